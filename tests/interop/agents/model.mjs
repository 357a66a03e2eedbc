// The model behind the agents: it reads a script instead of thinking. A script is a list of turns, each a list of calls of our tools or a
// function that makes one of the calls before it; after the last the model says that it is done. What the agent offered and what came back
// is kept for the checks.
import http from "node:http";
import { formats } from "./formats.mjs";

/** One agent's talk with the model. */
export class Talk {
    constructor(turns, note = () => {}) {
        this.turns = turns;
        this.note = note;
        /** Our tools that were offered to be called, and those that were only named, for a search to find. */
        this.offered = new Set();
        this.named = new Set();
        this.searched = 0;
        this.requests = 0;
        /** Calls that the model has made, by turn; `result` is there once the agent has sent it. */
        this.made = [];
        this.search = undefined;
        this.count = 0;
    }

    /** All that the model asked for and got. */
    calls(turn) {
        return this.made[turn] ?? [];
    }

    answer({ tools, results }, whole) {
        this.requests += 1;
        // What the model itself has asked for does not count; what a search of its own listed does.
        const told = whole.replaceAll("select:mcp__exai__", "");
        if (!this.made.length) [...told.matchAll(/mcp__exai__([a-z]+)/g)].forEach(([, name]) => this.named.add(name));
        const ours = tools.filter((tool) => ourName(tool));
        ours.forEach((tool) => this.offered.add(ourName(tool)));
        this.take(results);
        const open = this.made.at(-1);
        if (open?.some((call) => !call.result)) return { text: "I am still waiting." };
        const next = this.turns[this.made.length];
        const turn = typeof next === "function" ? next(this.made) : next;
        if (!turn?.length) return { text: "I am done." };
        const wanted = turn.map(({ tool }) => ours.find((offered) => ourName(offered) === tool));
        if (wanted.every(Boolean)) {
            const calls = turn.map((call, index) => this.call(wanted[index], call.arguments));
            this.made.push(calls);
            return { calls };
        }
        return this.indirect(turn, tools);
    }

    /** Some agents offer other tools in the place of ours: to search for them, to call them by name, or to run a script that does. */
    indirect(turn, tools) {
        const script = tools.find((tool) => tool.code);
        const caller = tools.find((tool) => tool.name === "tool_call");
        const search = script ?? tools.find((tool) => tool.special || /tool_?search/i.test(tool.name));
        if (!search) return { text: "There is no such tool." };
        if (this.searched && turn.every(({ tool }) => this.named.has(tool))) {
            if (script) {
                const call = this.call(script, scriptOf(turn));
                this.made.push(turn.map(() => call));
                return { calls: [call] };
            }
            if (caller) {
                const calls = turn.map(({ tool, arguments: args }) => this.call(caller, { name: `mcp__exai__${tool}`, arguments: args }));
                this.made.push(calls);
                return { calls };
            }
        }
        if (this.searched > 2) return { text: "There is no such tool." };
        this.searched += 1;
        const query = turn.map(({ tool }) => `mcp__exai__${tool}`).join(",");
        if (script) return { calls: [this.call(script, 'text(ALL_TOOLS.map((tool) => tool.name).join("\\n"))')] };
        return { calls: [this.call(search, search.special ? { query: "exai chat", limit: 20 } : { query: `select:${query}` })] };
    }

    call(offered, args) {
        this.count += 1;
        return { ...offered, id: `call_${this.count}`, arguments: args };
    }

    take(results) {
        const made = this.made.flat();
        const nameless = new Map();
        for (const result of results) {
            let call = made.find((call) => call.id === result.id);
            if (result.id === undefined) {
                // Gemini's format allows results without an id. A request holds all so far, so they are told by name and order.
                const nth = nameless.get(result.name) ?? 0;
                nameless.set(result.name, nth + 1);
                call = made.filter((call) => call.name === result.name)[nth];
            }
            if (call) call.result ??= result;
        }
    }
}

/** The script that makes all calls of a turn at once and shows what came back, however long it takes. */
function scriptOf(turn) {
    const calls = turn.map(({ tool, arguments: args }) => `tools.mcp__exai__${tool}(${JSON.stringify(args)})`);
    return `// @exec: {"yield_time_ms": 600000}\nfor (const result of await Promise.all([${calls.join(", ")}])) text(result);`;
}

/** The name of our tool that an agent's name stands for; agents put the server's name before it in several ways. */
function ourName({ name, namespace }) {
    const whole = `${namespace ?? ""}${namespace ? "__" : ""}${name}`;
    return /(?:^|[^a-z])exai(?:__|[^a-z]+)([a-z]+)$/i.exec(whole)?.[1];
}

/** Starts the model. `talks` are found by the first part of a request's path. */
export async function startModel(talks) {
    const server = http.createServer((request, response) => {
        serve(talks, request, response).catch((error) => {
            response.writeHead(500).end(String(error.stack));
            process.stderr.write(`the scripted model failed: ${error.stack}\n`);
        });
    });
    // Agents are told to take this server as their proxy as well, so that nothing leaves the machine.
    const refused = new Set();
    server.on("connect", (request, socket) => {
        refused.add(request.url);
        socket.on("error", () => {});
        socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    return { url: `http://127.0.0.1:${server.address().port}`, refused, close: () => server.close() };
}

async function serve(talks, request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { pathname } = new URL(request.url, "http://model");
    const talk = talks.get(pathname.split("/")[1]);
    const format = formats.find((format) => format.path.test(pathname));
    const json = (status, value) => {
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    };
    if (!talk || request.method !== "POST") {
        if (talk && pathname.endsWith("/models")) return json(200, { object: "list", data: [{ id: "scripted", object: "model" }] });
        return json(404, { error: { message: `nothing is at ${request.method} ${pathname}`, type: "not_found" } });
    }
    if (/count_?tokens$/i.test(pathname)) return json(200, { input_tokens: 10, totalTokens: 10 });
    if (!format) return json(404, { error: { message: `no format is at ${pathname}`, type: "not_found" } });
    const whole = Buffer.concat(chunks).toString("utf8");
    const body = JSON.parse(whole);
    const answer = { id: `scripted_${Date.now()}`, ...talk.answer(format.read(body), whole) };
    talk.note({ pathname, body, answer });
    const { json: complete, stream } = format.write(body, answer, pathname);
    if (complete) return json(200, complete);
    response.writeHead(200, { "content-type": "text/event-stream" }).end(stream);
}
