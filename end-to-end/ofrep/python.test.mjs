// openfeature-provider-ofrep from PyPI, pointed at the edge worker.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startFlags } from "./edge.mjs";

const SCRIPT = fileURLToPath(new URL("./python_client.py", import.meta.url));
const LIMIT_MS = 60_000;

describe("OpenFeature's Python client", () => {
  let flags;
  before(async () => {
    flags = await startFlags();
  });
  after(async () => {
    await flags?.stop();
  });

  async function evaluate(key, cases) {
    const python = process.env.PENNON_PYTHON;
    assert.ok(
      python,
      "PENNON_PYTHON names no interpreter: run `cargo xtask test`, or `python3 -m venv VENV && VENV/bin/pip install -r end-to-end/requirements.txt` and set it to VENV/bin/python",
    );
    const child = spawn(python, [SCRIPT], { stdio: ["pipe", "pipe", "pipe"], timeout: LIMIT_MS });
    let out = "", err = "";
    child.stdout.setEncoding("utf8").on("data", (data) => (out += data));
    child.stderr.setEncoding("utf8").on("data", (data) => (err += data));
    child.stdin.end(JSON.stringify({ url: flags.url, key, cases }));
    const code = await new Promise((resolve, reject) => child.once("close", resolve).once("error", reject));
    assert.equal(code, 0, err);
    return out.trim().split("\n").map((line) => JSON.parse(line));
  }
  const PRO = { targetingKey: "u1", plan: "pro" };

  test("values, variants, reasons and errors", async () => {
    const cases = [
      [{ type: "boolean", flag: "new-checkout", default: false, context: PRO }, [true, "on", "TARGETING_MATCH", null]],
      [{ type: "boolean", flag: "new-checkout", default: true, context: { targetingKey: "blocked", plan: "pro" } }, [false, "off", "TARGETING_MATCH", null]],
      [{ type: "string", flag: "theme", default: "", context: { targetingKey: "u1" } }, ["plain", "plain", "DEFAULT", null]],
      [{ type: "integer", flag: "page-size", default: 1, context: PRO }, [50, "large", "STATIC", null]],
      [{ type: "float", flag: "ratio", default: 1.5, context: PRO }, [0.25, "quarter", "STATIC", null]],
      [{ type: "object", flag: "limits", default: {}, context: PRO }, [{ seats: 100, regions: ["eu", "us"] }, "many", "STATIC", null]],
      [{ type: "boolean", flag: "switched-off", default: true, context: PRO }, [false, "off", "DISABLED", null]],
      [{ type: "boolean", flag: "no-such-flag", default: true, context: PRO }, [true, null, "ERROR", "FLAG_NOT_FOUND"]],
      [{ type: "boolean", flag: "theme", default: true, context: PRO }, [true, null, "ERROR", "TYPE_MISMATCH"]],
      [{ type: "boolean", flag: "rollout", default: true, context: {} }, [true, null, "ERROR", "TARGETING_KEY_MISSING"]],
    ];
    const outcomes = await evaluate(flags.keys.server, cases.map(([input]) => input));
    cases.forEach(([input, expected], at) => {
      const { value, variant, reason, errorCode } = outcomes[at];
      assert.deepEqual([value, variant, reason, errorCode], expected, JSON.stringify(input));
    });
  });

  test("a client key sees no hidden flag, a stranger's key nothing", async () => {
    const hidden = { type: "boolean", flag: "server-only", default: false, context: PRO };
    const [outcome] = await evaluate(flags.keys.client, [hidden]);
    assert.deepEqual([outcome.value, outcome.errorCode], [false, "FLAG_NOT_FOUND"]);
    const [refused] = await evaluate(flags.strangerKeys.server, [hidden]);
    assert.deepEqual([refused.value, refused.reason, refused.errorCode], [false, "ERROR", "GENERAL"]);
  });
});
