// What is checked of an agent on a way. A check gives `{ holds, says }` for each of its columns; `holds` is undefined where nothing is
// expected.
import { until } from "./place.mjs";

const tools = 18;
const patience = 180;

const chat = (prompt, model = "mock-model") => ({ tool: "chat", arguments: { prompt, model: `custom/${model}` } });
const holds = (says) => ({ holds: true, says });
const fails = (says) => ({ holds: false, says });
const has = (call, ...words) => words.every((word) => call?.result?.text.includes(word));

/** Makes the call that an answer names for its next part, or for an answer that is not there yet. An agent may have escaped it. */
const named = (answer) => {
    const [, written] = /"call":\{"tool":"chat","arguments":(\{[^{}]*\})\}/.exec(answer.result.text.replaceAll("\\", "")) ?? [];
    return written ? [{ tool: "chat", arguments: JSON.parse(written) }] : [];
};

/** Connects, lists, gets an answer, an error, two answers at once, and a long one in parts. */
export const talk = {
    columns: ["lists", "call", "error", "two calls", "parts"],
    turns: () => [
        [chat("first-question")],
        [{ tool: "chat", arguments: { prompt: "lost-question", continuation_id: "no-such-thread" } }],
        [chat("left-question", "left-latency=3000"), chat("right-question", "right-latency=3000")],
        [chat("parts-question", "words=20000")],
        (made) => named(made[3][0]),
    ],
    async check(place, talk) {
        const ended = await Promise.race([place.child.ended, until(patience, () => false)]);
        const [answer, mistake, both, [whole], [part]] = [0, 1, 2, 3, 4].map((turn) => talk.calls(turn));
        const stats = await place.stats();
        return {
            lists: listed(place, talk),
            call: has(answer[0], "ok: ", "first-question") && !answer[0].result.flagged
                ? ended === 0 ? holds("answered") : fails(`answered, but the agent ended with ${ended || "nothing"}`)
                : fails(said(answer[0])),
            error: has(mistake[0], "not_found", "no-such-thread was not found") && mistake[0].result.flagged !== false
                ? holds(mistake[0].result.flagged ? "flagged" : "told")
                : fails(said(mistake[0])),
            "two calls": together(place.agent, both, stats.peak_inflight),
            parts: inParts(whole, part),
        };
    },
};

/** The words of the answer are numbered, so that one that an agent has cut away is missed. */
function inParts(whole, part) {
    const words = (whole?.result?.text.match(/\bword\d+(?= )/g) ?? []).map((word) => Number(word.slice(4)));
    const gap = words.findIndex((word, index) => word !== index);
    if (!words.length) return fails(said(whole));
    if (gap >= 0) return fails(`the agent has cut the answer after ${gap} words`);
    if (!part) return fails(`the call for the rest has not arrived: ${said(whole)}`);
    // The word at the edge may itself be cut in two.
    return has(part, ` word${words.length + 2} `) ? holds("follow") : fails(said(part));
}

function listed(place, talk) {
    const seen = talk.offered.size;
    if (seen === tools) return holds(`${seen} tools`);
    if (new Set([...talk.offered, ...talk.named]).size === tools) return holds(`${tools}, some by search`);
    if (talk.searched && seen) return holds(`${seen} by search`);
    const started = place.program ? `; our program was started ${place.programs().length} times` : "";
    return fails(`${seen} tools in ${talk.requests} requests${started}`);
}

function together(agent, [left, right], peak) {
    if (!has(left, "ok: ", "left-question") || !has(right, "ok: ", "right-question")) return fails(`${said(left)}; ${said(right)}`);
    const says = peak > 1 ? "at once" : "one by one";
    return agent.together && peak < 2 ? fails(says) : holds(says);
}

function said(call) {
    if (!call) return "not asked for";
    return call.result ? `got ${call.result.text.slice(0, 300)}` : "no result came back";
}

/** The answer of an expert who takes longer than a minute, in one call or, as our answer says, in a second. */
export const long = {
    columns: ["long"],
    turns: () => [
        [chat("long-question", "latency=70000")],
        (made) => (has(made[0][0], "status", "running") ? named(made[0][0]) : []),
    ],
    async check(place, talk) {
        await Promise.race([place.child.ended, until(patience, () => false)]);
        const [[first], [second]] = [talk.calls(0), talk.calls(1)];
        if (has(first, "ok: ", "long-question")) return { long: holds("in one call") };
        return { long: has(second, "ok: ", "long-question") ? holds("in two calls") : fails(`${said(first)}; ${said(second)}`) };
    },
};

const endless = () => [[chat("endless-question", "latency=600000")]];

async function underWay(place) {
    const arrived = async () => (await place.stats()).in_flight > 0;
    const ended = () => place.child.exitCode !== null;
    return (await until(patience, async () => (await arrived()) || ended())) && !ended();
}

const left = (place) => until(15, async () => (await place.stats()).in_flight === 0);

/** An interrupt of the agent ends the question at the expert. */
export const cancel = {
    columns: ["interrupt"],
    turns: endless,
    async check(place, talk) {
        if (!(await underWay(place))) return { interrupt: fails(said(talk.calls(0)[0])) };
        place.signalAgent("SIGINT");
        if (await left(place)) return { interrupt: holds("ends it") };
        // A call whose client is gone is finished and its answer kept; only a cancellation that was sent ends it.
        const expected = place.way !== "http" || place.agent.cancels;
        return { interrupt: expected ? fails("the question goes on") : { says: "goes on" } };
    },
};

/** The agent is killed: the program that it has started ends, and with it the question. */
export const kill = {
    columns: ["kill"],
    turns: endless,
    async check(place, talk) {
        if (!(await underWay(place))) return { kill: fails(said(talk.calls(0)[0])) };
        place.signalAgent("SIGKILL");
        const gone = await until(15, () => place.programsGone());
        const quiet = await left(place);
        if (place.way === "http") return { kill: { says: quiet ? "ends it" : "goes on" } };
        if (!gone) return { kill: fails("our program still runs") };
        if (place.way === "stdio" && !quiet) return { kill: fails("the question goes on") };
        return { kill: holds(quiet ? "ends it" : "program ends") };
    },
};
