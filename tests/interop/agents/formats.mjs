// The four formats in which agents ask a model: what a request says, and an answer in each. Only what the agents need is here.

/** The names under which a request offers tools. A tool in a namespace is listed with it. */
function openAiTools(tools) {
    return (tools ?? []).flatMap((tool) => {
        if (tool.type === "namespace") {
            // GPT-6 under Codex has one tool for all: it runs JavaScript, in which the others are functions.
            const code = (inner) => inner.type === "custom" && inner.name === "exec";
            return (tool.tools ?? []).map((inner) => ({ name: inner.name, namespace: tool.name, code: code(inner) }));
        }
        return [{ name: tool.function?.name ?? tool.name ?? tool.type, special: tool.type === "tool_search" }];
    });
}

const text = (content) => (typeof content === "string" ? content : JSON.stringify(content ?? ""));
const plain = (content) =>
    Array.isArray(content) ? content.map((part) => part.text ?? JSON.stringify(part)).join("\n") : text(content);
const events = (list, named) =>
    list.map((event) => `${named ? `event: ${event.type}\n` : ""}data: ${JSON.stringify(event)}\n\n`).join("");
const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

/** Anthropic's Messages. */
const messages = {
    path: /\/messages$/,
    read(body) {
        const blocks = body.messages.flatMap((message) => (Array.isArray(message.content) ? message.content : []));
        const results = blocks
            .filter((block) => block.type === "tool_result")
            .map((block) => ({ id: block.tool_use_id, text: plain(block.content), flagged: block.is_error === true }));
        const found = blocks.flatMap((block) => (block.type === "tool_result" && Array.isArray(block.content) ? block.content : []))
            .filter((part) => part.type === "tool_reference")
            .map((part) => part.tool_name);
        // A deferred tool cannot be called before a search has found it.
        const tools = (body.tools ?? []).filter((tool) => !tool.defer_loading || found.includes(tool.name));
        return { tools: tools.map((tool) => ({ name: tool.name })), results };
    },
    write(body, answer) {
        const content = answer.calls
            ? answer.calls.map((call) => ({ type: "tool_use", id: call.id, name: call.name, input: call.arguments }))
            : [{ type: "text", text: answer.text }];
        const message = {
            id: answer.id,
            type: "message",
            role: "assistant",
            model: body.model,
            content,
            stop_reason: answer.calls ? "tool_use" : "end_turn",
            stop_sequence: null,
            usage: { input_tokens: 10, output_tokens: 5 },
        };
        if (!body.stream) return { json: message };
        const list = [{ type: "message_start", message: { ...message, content: [], stop_reason: null } }];
        content.forEach((block, index) => {
            const call = block.type === "tool_use";
            const delta = call
                ? { type: "input_json_delta", partial_json: JSON.stringify(block.input) }
                : { type: "text_delta", text: block.text };
            const start = call ? { ...block, input: {} } : { type: "text", text: "" };
            list.push({ type: "content_block_start", index, content_block: start });
            list.push({ type: "content_block_delta", index, delta });
            list.push({ type: "content_block_stop", index });
        });
        const end = { stop_reason: message.stop_reason, stop_sequence: null };
        list.push({ type: "message_delta", delta: end, usage: { output_tokens: 5 } }, { type: "message_stop" });
        return { stream: events(list, true) };
    },
};

function responsesCall({ id, name, namespace, special, code, arguments: args }) {
    const ids = { id: `item_${id}`, call_id: id, status: "completed" };
    if (special) return { ...ids, type: "tool_search_call", execution: "client", arguments: args };
    if (code) return { ...ids, type: "custom_tool_call", name, input: args };
    return { ...ids, type: "function_call", name, ...(namespace ? { namespace } : {}), arguments: JSON.stringify(args) };
}

/** OpenAI's Responses, as Codex uses them: always a stream. */
const responses = {
    path: /\/responses$/,
    read(body) {
        const input = Array.isArray(body.input) ? body.input : [];
        const listing = ["additional_tools", "tool_search_output"];
        const found = input.filter((item) => listing.includes(item.type)).flatMap((item) => openAiTools(item.tools));
        const results = input
            .filter((item) => /_output$/.test(item.type ?? ""))
            .map((item) => ({ id: item.call_id, text: plain(item.output ?? item.tools) }));
        return { tools: [...openAiTools(body.tools), ...found], results };
    },
    write(body, answer) {
        const output = answer.calls
            ? answer.calls.map(responsesCall)
            : [{
                  type: "message",
                  id: `msg_${answer.id}`,
                  role: "assistant",
                  content: [{ type: "output_text", text: answer.text, annotations: [] }],
              }];
        const counted = { input_tokens: 10, output_tokens: 5, total_tokens: 15 };
        const response = { id: answer.id, object: "response", status: "completed", model: body.model, output, usage: counted };
        if (!body.stream) return { json: response };
        const items = output.flatMap((item, output_index) => [
            { type: "response.output_item.added", output_index, item },
            { type: "response.output_item.done", output_index, item },
        ]);
        const created = { type: "response.created", response: { ...response, status: "in_progress", output: [] } };
        return { stream: events([created, ...items, { type: "response.completed", response }], true) };
    },
};

/** OpenAI's chat completions. */
const chat = {
    path: /\/chat\/completions$/,
    read(body) {
        const results = body.messages
            .filter((message) => message.role === "tool")
            .map((message) => ({ id: message.tool_call_id, text: plain(message.content) }));
        return { tools: openAiTools(body.tools), results };
    },
    write(body, answer) {
        const tool_calls = answer.calls?.map((call, index) => ({
            index,
            id: call.id,
            type: "function",
            function: { name: call.name, arguments: JSON.stringify(call.arguments) },
        }));
        const message = { role: "assistant", content: answer.text ?? null, ...(tool_calls ? { tool_calls } : {}) };
        const finish_reason = tool_calls ? "tool_calls" : "stop";
        const head = { id: answer.id, created: 1, model: body.model };
        if (!body.stream) {
            return { json: { ...head, object: "chat.completion", choices: [{ index: 0, message, finish_reason }], usage } };
        }
        const chunk = (choices, more) => ({ ...head, object: "chat.completion.chunk", choices, ...more });
        const list = [
            chunk([{ index: 0, delta: message, finish_reason: null }]),
            chunk([{ index: 0, delta: {}, finish_reason }]),
            chunk([], { usage }),
        ];
        return { stream: `${events(list)}data: [DONE]\n\n` };
    },
};

/** Gemini's generateContent. */
const generate = {
    path: /:(stream)?generateContent$/i,
    read(body) {
        const declared = (body.tools ?? []).flatMap((tool) => tool.functionDeclarations ?? []);
        const results = (body.contents ?? [])
            .flatMap((content) => content.parts ?? [])
            .filter((part) => part.functionResponse)
            .map(({ functionResponse }) => ({ id: functionResponse.id, name: functionResponse.name, text: text(functionResponse.response) }));
        return { tools: declared.map((tool) => ({ name: tool.name })), results };
    },
    write(body, answer, path) {
        const parts = answer.calls
            ? answer.calls.map((call) => ({ functionCall: { id: call.id, name: call.name, args: call.arguments } }))
            : [{ text: answer.text }];
        const response = {
            candidates: [{ content: { role: "model", parts }, finishReason: "STOP", index: 0 }],
            usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 },
            modelVersion: "scripted",
            responseId: answer.id,
        };
        return /:stream/i.test(path) ? { stream: events([response]) } : { json: response };
    },
};

export const formats = [messages, responses, chat, generate];
