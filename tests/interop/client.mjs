// One TypeScript SDK against one server: connects, lists the tools, calls two of them at once, and has a mistake told as an error.
// Usage: node client.mjs SDK stdio PROGRAM | SDK http URL
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
    way === "http"
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
await client.close();
// What the SDK cannot read it reports here, and the tools may be missing for whoever does not look.
const serious = faults.filter((fault) => !/abort|terminated|closed/i.test(fault));
assert.deepEqual(serious, [], "nothing that was sent is unreadable");
