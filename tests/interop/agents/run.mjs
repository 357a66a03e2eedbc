// Every agent on every way, at most two at a time, and a table of what held. Usage, by scripts/interop-agents:
// node run.mjs EXAI VENDOR TOOLS [--agent NAME]... [--way stdio|http|bridge]... [--long] [--keep FOLDER]
import { spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { agents } from "./agents.mjs";
import * as checks from "./checks.mjs";
import { startModel, Talk } from "./model.mjs";
import { Place } from "./place.mjs";

const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
        agent: { type: "string", multiple: true },
        way: { type: "string", multiple: true },
        long: { type: "boolean" },
        keep: { type: "string" },
    },
});
const [exai, vendor, tools] = positionals;
const programs = { exai: resolve(exai), vendor: resolve(vendor), bin: join(resolve(tools), "node_modules/.bin") };
const ways = ["stdio", "http", "bridge"];
const columns = ["lists", "call", "error", "two calls", "parts", "interrupt", "kill", "long"];

const keyOf = (agent) => agent.key ?? agent.program;

for (const [given, known] of [[options.agent, agents.map(keyOf)], [options.way, ways]]) {
    for (const name of given ?? []) {
        if (!known.includes(name)) {
            process.stderr.write(`${name} is none of ${known.join(", ")}\n`);
            process.exit(2);
        }
    }
}

if (options.keep) {
    mkdirSync(options.keep, { recursive: true });
    if (readdirSync(options.keep).length) {
        process.stderr.write(`${options.keep} is not empty; name another folder\n`);
        process.exit(2);
    }
}
const root = options.keep ? resolve(options.keep) : mkdtempSync(join(tmpdir(), "interop-"));
const talks = new Map();
const model = await startModel(talks);
const places = new Set();
for (const name of ["SIGINT", "SIGTERM"]) {
    process.on(name, async () => {
        await Promise.all([...places].map((place) => place.close()));
        process.exit(130);
    });
}

/** The version that an agent says it is, or why it does not run here. */
function version(agent) {
    const home = join(root, `${keyOf(agent)}-version`);
    mkdirSync(home, { recursive: true });
    const env = { PATH: [programs.bin, process.env.PATH].join(delimiter), HOME: home, TMPDIR: home, NO_COLOR: "1" };
    const told = spawnSync(join(programs.bin, agent.program), ["--version"], { cwd: home, env, encoding: "utf8", timeout: 60_000 });
    const words = `${told.stdout ?? ""}\n${told.stderr ?? ""}`;
    const found = /\d+\.\d+\.\d+/.exec(told.stdout ?? "")?.[0];
    if (told.status === 0 && found) return { version: found };
    return { refused: (told.error?.message ?? words.trim().split("\n").at(-1)) || `ended with ${told.status}` };
}

/** One start of an agent, for one check. */
async function once(agent, way, name) {
    const id = `${keyOf(agent)}-${way}-${name}`;
    const home = join(root, id);
    mkdirSync(home);
    const note = options.keep && ((what) => appendFileSync(join(home, "model.jsonl"), `${JSON.stringify(what)}\n`));
    const talk = new Talk(checks[name].turns(agent), note || undefined);
    talks.set(id, talk);
    const place = new Place(home, programs, agent, way, `${model.url}/${id}`);
    places.add(place);
    let results;
    try {
        await place.open();
        place.startAgent();
        results = await checks[name].check(place, talk);
    } catch (error) {
        const untried = { holds: false, says: error.message };
        results = Object.fromEntries(checks[name].columns.map((column) => [column, untried]));
    } finally {
        await place.close();
        places.delete(place);
    }
    const failed = Object.entries(results).filter(([, result]) => result.holds === false);
    for (const [column, { says }] of failed) process.stderr.write(`${agent.name}, ${way}, ${column}: FAILED: ${says}\n`);
    if (failed.length) process.stderr.write(`${place.words().replace(/^/gm, "    ")}\n`);
    return results;
}

async function row({ agent, way, version }) {
    const names = ["talk", "cancel", "kill", ...(options.long ? ["long"] : [])];
    const results = {};
    for (const name of names) Object.assign(results, await once(agent, way, name));
    process.stderr.write(`${agent.name} ${version}, ${way}: done\n`);
    return { agent, way, version, results };
}

const chosen = agents.filter((agent) => options.agent?.includes(keyOf(agent)) ?? true);
const versions = new Map(chosen.map((agent) => [agent, version(agent)]));
const waiting = chosen
    .filter((agent) => versions.get(agent).version)
    .flatMap((agent) => ways.filter((way) => options.way?.includes(way) ?? true).map((way) => ({ agent, way, ...versions.get(agent) })));
const order = [...waiting];
const rows = [];
const worker = async () => {
    while (waiting.length) rows.push(await row(waiting.shift()));
};
await Promise.all([worker(), worker()]);
model.close();

const place = ({ agent, way }) => order.findIndex((one) => one.agent === agent && one.way === way);
rows.sort((a, b) => place(a) - place(b));
const cell = (result) => (!result ? "-" : result.holds === false ? "FAILED" : result.says);
const table = [
    ["agent", "version", "way", ...columns],
    ...rows.map(({ agent, way, version, results }) => [agent.name, version, way, ...columns.map((column) => cell(results[column]))]),
];
const widths = table[0].map((_, index) => Math.max(...table.map((line) => line[index].length)));
for (const line of table) console.log(line.map((word, index) => word.padEnd(widths[index])).join("  ").trimEnd());
for (const agent of chosen) {
    const { refused } = versions.get(agent);
    if (refused) console.log(`not run: ${agent.name}: ${refused}`);
}
if (model.refused.size) console.log(`asked for by agents, and refused: ${[...model.refused].sort().join(", ")}`);
if (!options.long) console.log("not run: calls of more than a minute; --long makes them");
if (!options.keep) rmSync(root, { recursive: true, force: true });
const failed = rows.some(({ results }) => Object.values(results).some((result) => result.holds === false));
process.exit(failed || rows.length === 0 ? 1 : 0);
