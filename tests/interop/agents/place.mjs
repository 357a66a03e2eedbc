// A place for one run of one agent: a home of its own, a mock vendor as the expert, our server as the way asks for, and the agent.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** Asks again and again until `test` gives something, or the seconds are over. */
export async function until(seconds, test) {
    const end = Date.now() + seconds * 1000;
    for (;;) {
        const value = await test();
        if (value || Date.now() > end) return value;
        await pause(100);
    }
}

/** The processes below one, found in the list of all. Those of `except` are left out, with all below them. */
function below(root, except) {
    const listed = spawnSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).stdout;
    const rows = listed.trim().split("\n").map((line) => line.trim().split(/\s+/).map(Number));
    const found = [root];
    for (const parent of found) {
        found.push(...rows.filter(([pid, ppid]) => ppid === parent && !except.includes(pid)).map(([pid]) => pid));
    }
    return found;
}

function signal(pid, name) {
    try {
        return process.kill(pid, name);
    } catch {
        return false;
    }
}

const state = (pid) => spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).stdout.trim();

/** Whether the process runs; one that has ended and waits to be collected does not. */
const runs = (pid) => signal(pid, 0) && state(pid) !== "" && !state(pid).startsWith("Z");

export class Place {
    /** `tools` says where the programs are: `exai`, `vendor`, and `bin` with the agents. */
    constructor(folder, tools, agent, way, model) {
        Object.assign(this, { home: folder, tools, agent, way, model, started: [] });
    }

    async open() {
        mkdirSync(join(this.home, "project"), { recursive: true });
        for (const folder of ["config", "tmp"]) mkdirSync(join(this.home, folder));
        const vendor = this.start(this.tools.vendor, [], {}, "vendor");
        this.vendor = await this.said(vendor, "vendor.out", /^(http\S+?)\/v1$/m);
        const exai = {
            EXAI_CONFIG_DIR: join(this.home, "config"),
            EXAI_DATA_DIR: join(this.home, "data"),
            CUSTOM_API_URL: `${this.vendor}/v1`,
            CUSTOM_MODEL_NAME: "mock-model",
            EXAI_RATE: "0",
            EXAI_CLIENT_RATE: "0",
            EXAI_LOG: "debug",
        };
        let command = [this.tools.exai];
        if (this.way !== "stdio") {
            const server = this.start(this.tools.exai, ["serve", "--listen", "127.0.0.1:0"], exai, "serve");
            this.url = await this.said(server, "serve.err", /(http:\/\/[^ "]*\/mcp)/, "serve.out");
            command = [this.tools.exai, "connect", this.url];
        }
        if (this.way !== "http") {
            // The agent starts this script; it says its number and becomes our program.
            this.program = join(this.home, "exai");
            const settings = Object.entries(exai).map(([name, value]) => `export ${name}='${value}'\n`);
            const line = command.map((part) => `'${part}'`).join(" ");
            const log = join(this.home, "program.err");
            writeFileSync(
                this.program,
                `#!/bin/sh\necho $$ >>'${join(this.home, "pids")}'\n${settings.join("")}exec ${line} 2>>'${log}'\n`,
                { mode: 0o755 },
            );
        }
        this.agent.setUp({ home: this.home, model: this.model, program: this.program, url: this.program ? undefined : this.url });
        return this;
    }

    /** What a program that was started has said. */
    async said(child, file, pattern, other = file) {
        const read = () => [file, other].map((name) => readFileSync(join(this.home, name), "utf8")).join("\n");
        const match = await until(30, () => pattern.exec(read()) ?? (child.exitCode !== null && "ended"));
        if (!match || match === "ended") throw new Error(`${child.spawnfile} has not started: ${read().slice(-2000)}`);
        return match[1];
    }

    start(program, args, environment, log, more = {}) {
        const to = (kind) => openSync(join(this.home, `${log}.${kind}`), "a");
        const child = spawn(program, args, {
            cwd: join(this.home, "project"),
            env: { PATH: process.env.PATH, HOME: this.home, ...environment },
            stdio: ["pipe", to("out"), to("err")],
            ...more,
        });
        // A program that cannot be started has ended, too.
        child.ended = new Promise((resolve) => {
            child.on("exit", (code, by) => resolve(code ?? by));
            child.on("error", (error) => resolve(error.message));
        });
        this.started.push(child);
        return child;
    }

    startAgent() {
        const environment = {
            PATH: [this.tools.bin, process.env.PATH].join(delimiter),
            TMPDIR: join(this.home, "tmp"),
            NO_COLOR: "1",
            // Nothing but this machine is asked: whatever else an agent looks for, its proxy refuses.
            HTTPS_PROXY: new URL(this.model).origin,
            HTTP_PROXY: new URL(this.model).origin,
            NO_PROXY: "127.0.0.1,localhost",
            no_proxy: "127.0.0.1,localhost",
            ...this.agent.environment(this),
        };
        const program = join(this.tools.bin, this.agent.program);
        this.child = this.start(program, this.agent.arguments(this), environment, "agent", { detached: true });
        this.child.stdin.end();
    }

    /** The numbers of our program's processes that the agent has started. */
    programs() {
        const file = join(this.home, "pids");
        return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").map(Number) : [];
    }

    programsGone() {
        return this.programs().every((pid) => !runs(pid));
    }

    /** Sends a signal to every process of the agent, and to none of ours. */
    signalAgent(name) {
        below(this.child.pid, this.programs()).forEach((pid) => signal(pid, name));
    }

    async stats() {
        return (await fetch(`${this.vendor}/stats`)).json();
    }

    /** The last lines that the agent has written. */
    words() {
        if (!this.child) return "";
        const read = (name) => readFileSync(join(this.home, name), "utf8").trim();
        return [read("agent.out"), read("agent.err")].filter(Boolean).join("\n").split("\n").slice(-12).join("\n").slice(-1500);
    }

    /** Ends everything that was started here, also what an agent has left behind. */
    async close() {
        for (const child of this.started.filter((child) => child.pid && child.exitCode === null && child.signalCode === null)) {
            below(child.pid, []).forEach((pid) => signal(pid, "SIGKILL"));
            await child.ended;
        }
        this.programs().filter(runs).forEach((pid) => signal(pid, "SIGKILL"));
        this.leftBehind().forEach((pid) => signal(pid, "SIGKILL"));
    }

    /** Processes that live in this home but below nothing of ours; only Linux tells. */
    leftBehind() {
        if (!existsSync("/proc/self/environ")) return [];
        const lives = (pid) => {
            try {
                return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`HOME=${this.home}`);
            } catch {
                return false;
            }
        };
        return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).filter(lives).map(Number);
    }
}
