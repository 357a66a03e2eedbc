// One TypeScript SDK against one server: connects, lists the tools, calls two of them at once, and has a mistake told as an error.
// Usage: node client.mjs SDK stdio PROGRAM | SDK http URL | SDK burst URL
// A burst is 50 calls at once, and then 200, against a server with its usual limits.
import assert from "node:assert/strict";

const [sdk, way, target] = process.argv.slice(2);

async function parts() {
    if (sdk === "@modelcontextprotocol/client") {
        const { Client, StreamableHTTPClientTransport } = await import(sdk);
        const { StdioClientTransport } = await import(`${sdk}/stdio`);
        return { Client, StreamableHTTPClientTransport, StdioClientTransport };
    }
    const { Client } = await import(`${sdk}/client/index.js`);
    const { StreamableHTTPClientTransport } = await import(`${sdk}/client/streamableHttp.js`);
    const { StdioClientTransport } = await import(`${sdk}/client/stdio.js`);
    return { Client, StreamableHTTPClientTransport, StdioClientTransport };
}

const { Client, StreamableHTTPClientTransport, StdioClientTransport } = await parts();
const client = new Client({ name: "interop", version: "1" }, { capabilities: {} });
const faults = [];
client.onerror = (error) => faults.push(String(error));
const transport =
    way !== "stdio"
        ? new StreamableHTTPClientTransport(new URL(target))
        : new StdioClientTransport({ command: target, args: [], env: process.env, stderr: "ignore" });
await client.connect(transport);
const { tools } = await client.listTools();
assert.equal(tools.length, 18, "every tool of the profile is listed");
const told = (answer) => JSON.parse(answer.content[0].text);
const [version, models] = await Promise.all([
    client.callTool({ name: "version", arguments: {} }),
    client.callTool({ name: "listmodels", arguments: {} }),
]);
assert.equal(told(version).status, "success");
assert.equal(told(models).status, "success");
const mistake = await client.callTool({ name: "chat", arguments: {} });
assert.equal(mistake.isError, true, "a mistake is told in the answer");
assert.equal(told(mistake).code, "invalid_input");
if (way === "burst") {
    const ask = () => client.callTool({ name: "version", arguments: {} });
    const burst = await Promise.all(Array.from({ length: 50 }, ask));
    assert.ok(burst.every((answer) => told(answer).status === "success"), "a burst waits");
    const flood = await Promise.allSettled(Array.from({ length: 200 }, ask));
    const refused = flood.filter((call) => call.status === "rejected").map((call) => call.reason);
    assert.ok(refused.length > 0, "200 calls at once are more than may wait");
    for (const reason of refused) {
        assert.ok(reason.data?.retry_after_ms > 0, `when to come again: ${reason}`);
    }
    assert.equal(told(await ask()).status, "success", "the session goes on");
}
await client.close();
// What the SDK cannot read it reports here, and the tools may be missing for whoever does not look.
const serious = faults.filter((fault) => !/abort|terminated|closed/i.test(fault));
assert.deepEqual(serious, [], "nothing that was sent is unreadable");
