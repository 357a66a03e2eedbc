// The agents: how each is started, how its model and our server stand in its own configuration files, and what it is known to do.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const prompt = "Ask the expert, then say that you are done.";

function write(home, path, content) {
    const file = join(home, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content, null, 2));
}

// A string of JSON is one of TOML, too.
const toml = JSON.stringify;

/** Codex shows a model whose name it does not know less of an answer, and lets GPT-6 call tools only from JavaScript. */
const codex = (name, key, named) => ({
    name,
    key,
    program: "codex",
    together: true,
    // It sends a cancellation and ends at once, so that over HTTP the message does not always leave.
    cancels: false,
    setUp({ home, model, program, url }) {
        const entry = program ? `command = ${toml(program)}\nstartup_timeout_sec = 60` : `url = ${toml(url)}`;
        write(
            home,
            ".codex/config.toml",
            `model = ${toml(named)}
model_provider = "scripted"
check_for_update_on_startup = false
[analytics]
enabled = false
[model_providers.scripted]
name = "scripted"
base_url = ${toml(`${model}/v1`)}
wire_api = "responses"
[mcp_servers.exai]
${entry}
tool_timeout_sec = 900
`,
        );
    },
    environment: () => ({}),
    arguments: () => ["exec", "--json", "--skip-git-repo-check", "--sandbox", "read-only", prompt],
});

/**
 * Each agent:
 * - `setUp(place)` writes its files below `place.home`; `place.model` is the address of the model, and our server is at `place.program`
 *   (a program to start) or at `place.url`.
 * - `key` names it on the command line where `program`, its command, does not.
 * - `environment` and `arguments` start one task without a terminal.
 * - `together` says whether calls of one turn run at once.
 * - `cancels` says whether an interrupted agent tells a server over HTTP so; one that it has started ends with it in any case.
 */
export const agents = [
    {
        name: "Claude Code",
        program: "claude",
        together: true,
        cancels: false,
        setUp({ home, program, url }) {
            const exai = program ? { type: "stdio", command: program, args: [], env: {} } : { type: "http", url };
            write(home, ".claude.json", { hasCompletedOnboarding: true, mcpServers: { exai } });
        },
        environment: ({ model }) => ({
            ANTHROPIC_BASE_URL: model,
            ANTHROPIC_API_KEY: "scripted",
            CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
            DISABLE_AUTOUPDATER: "1",
        }),
        arguments: () => ["-p", prompt, "--allowedTools", "mcp__exai"],
    },
    codex("Codex", "codex", "gpt-5.5"),
    codex("Codex, GPT-6", "codex-gpt-6", "gpt-6.1-sol"),
    {
        name: "Gemini CLI",
        program: "gemini",
        together: true,
        cancels: false,
        setUp({ home, program, url }) {
            write(home, ".gemini/settings.json", {
                security: { auth: { selectedType: "gemini-api-key" }, folderTrust: { enabled: false } },
                privacy: { usageStatisticsEnabled: false },
                general: { disableAutoUpdate: true, enableAutoUpdate: false },
                mcpServers: { exai: { ...(program ? { command: program, args: [] } : { httpUrl: url }), timeout: 900_000, trust: true } },
            });
        },
        environment: ({ model }) => ({ GOOGLE_GEMINI_BASE_URL: model, GEMINI_API_KEY: "scripted", GEMINI_CLI_TRUST_WORKSPACE: "true" }),
        arguments: () => ["-m", "gemini-2.5-pro", "-p", prompt],
    },
    {
        name: "OpenCode",
        program: "opencode",
        together: true,
        cancels: false,
        setUp({ home, model, program, url }) {
            write(home, ".config/opencode/opencode.json", {
                autoupdate: false,
                share: "disabled",
                model: "scripted/scripted",
                small_model: "scripted/scripted",
                provider: {
                    scripted: {
                        npm: "@ai-sdk/openai-compatible",
                        name: "Scripted",
                        options: { baseURL: `${model}/v1`, apiKey: "scripted" },
                        models: { scripted: { name: "Scripted", tool_call: true, limit: { context: 200_000, output: 8_000 } } },
                    },
                },
                mcp: { exai: { ...(program ? { type: "local", command: [program] } : { type: "remote", url }), enabled: true } },
                experimental: { mcp_timeout: 900_000 },
            });
        },
        environment: () => ({
            OPENCODE_DISABLE_AUTOUPDATE: "1",
            OPENCODE_DISABLE_MODELS_FETCH: "1",
            OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
            OPENCODE_DISABLE_DEFAULT_PLUGINS: "1",
        }),
        arguments: () => ["run", prompt],
    },
    {
        name: "Qwen Code",
        program: "qwen",
        together: true,
        cancels: true,
        setUp({ home, program, url }) {
            write(home, ".qwen/settings.json", {
                security: { auth: { selectedType: "openai" }, folderTrust: { enabled: false } },
                privacy: { usageStatisticsEnabled: false },
                general: { disableAutoUpdate: true, enableAutoUpdate: false },
                mcpServers: { exai: { ...(program ? { command: program, args: [] } : { httpUrl: url }), timeout: 900_000, trust: true } },
            });
        },
        environment: ({ model }) => ({ OPENAI_BASE_URL: `${model}/v1`, OPENAI_API_KEY: "scripted", OPENAI_MODEL: "scripted" }),
        arguments: () => ["-p", prompt],
    },
    {
        name: "Copilot CLI",
        program: "copilot",
        together: true,
        cancels: false,
        setUp({ home, program, url }) {
            const exai = program ? { type: "local", command: program, args: [], tools: ["*"] } : { type: "http", url, tools: ["*"] };
            write(home, ".copilot/mcp-config.json", { mcpServers: { exai } });
        },
        environment: ({ model }) => ({
            COPILOT_PROVIDER_BASE_URL: `${model}/v1`,
            COPILOT_PROVIDER_API_KEY: "scripted",
            COPILOT_MODEL: "scripted",
            COPILOT_OFFLINE: "true",
            COPILOT_AUTO_UPDATE: "false",
        }),
        arguments: () => ["--allow-all-tools", "-p", prompt],
    },
    {
        name: "Cline CLI",
        program: "cline",
        together: false,
        cancels: true,
        setUp({ home, model, program, url }) {
            const settings = { provider: "openai-compatible", apiKey: "scripted", model: "scripted", baseUrl: `${model}/v1` };
            write(home, ".cline/data/settings/providers.json", {
                version: 1,
                lastUsedProvider: "openai-compatible",
                modes: {},
                providers: { "openai-compatible": { settings, updatedAt: "2026-01-01T00:00:00.000Z", tokenSource: "manual" } },
            });
            write(home, ".cline/data/settings/cline_mcp_settings.json", {
                mcpServers: { exai: { ...(program ? { command: program, args: [] } : { type: "streamableHttp", url }), timeout: 900 } },
            });
        },
        environment: () => ({}),
        arguments: () => ["-P", "openai-compatible", "-m", "scripted", "--json", prompt],
    },
    {
        name: "Kimi Code",
        program: "kimi",
        together: false,
        cancels: true,
        setUp({ home, model, program, url }) {
            write(
                home,
                ".kimi-code/config.toml",
                `default_model = "scripted"
telemetry = false
[providers.scripted]
type = "openai"
base_url = ${toml(`${model}/v1`)}
api_key = "scripted"
[models.scripted]
provider = "scripted"
model = "scripted"
max_context_size = 200000
capabilities = ["tool_use"]
`,
            );
            write(home, ".kimi-code/mcp.json", {
                mcpServers: { exai: { ...(program ? { command: program, args: [] } : { url }), toolTimeoutMs: 900_000 } },
            });
        },
        environment: () => ({}),
        arguments: () => ["-p", prompt],
    },
];
