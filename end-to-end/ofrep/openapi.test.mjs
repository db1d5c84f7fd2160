// Every kind of OFREP answer against the protocol's own OpenAPI document.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { parse } from "yaml";
import { startFlags } from "./edge.mjs";

const DOCUMENT = fileURLToPath(new URL("../../../shared/suites/ofrep/service/openapi.yaml", import.meta.url));
const here = existsSync(DOCUMENT);
const skip = here || process.env.CI === "true" ? false : `the OFREP suite is not next to the repository (${DOCUMENT})`;

function schemasOf(document) {
  const ajv = addFormats(new Ajv2020({ strict: false, allErrors: true }));
  ajv.addSchema(document, "ofrep");
  return (name) => ajv.getSchema(`ofrep#/components/schemas/${name}`);
}

/**
 * Two things that the document says and cannot mean. A value must match exactly one of the kinds of values, but `codeDefaultFlag` matches
 * every answer and `floatFlag` every integer, so that its own examples fail. And its list of reasons lacks DEFAULT, which OpenFeature's
 * glossary has (specification/types#resolution-reason), and which its clients take.
 */
function mended(document) {
  const copy = structuredClone(document);
  const success = copy.components.schemas.evaluationSuccess;
  for (const part of success.allOf) {
    if (part.oneOf) {
      part.anyOf = part.oneOf;
      delete part.oneOf;
    }
    part.properties?.reason?.enum.push("DEFAULT");
  }
  return copy;
}

describe("OFREP's OpenAPI document", { skip }, () => {
  let flags, schema, document;
  before(async () => {
    assert.ok(here, `with CI=true the OFREP suite must be there: ${DOCUMENT}`);
    document = parse(readFileSync(DOCUMENT, "utf8"));
    schema = schemasOf(mended(document));
    flags = await startFlags();
  });
  after(async () => {
    await flags?.stop();
  });

  const post = async (path, body, key = flags.keys.server) => {
    const answer = await fetch(`${flags.url}/ofrep/v1/evaluate/flags${path}`, {
      method: "POST", body, headers: { "content-type": "application/json", "x-api-key": key },
    });
    return { status: answer.status, type: answer.headers.get("content-type"), body: await answer.json() };
  };
  const holds = (name, { body }) => {
    const validate = schema(name);
    assert.ok(validate, `the document has no schema ${name}`);
    assert.ok(validate(body), `${name}: ${JSON.stringify(validate.errors)} in ${JSON.stringify(body)}`);
  };
  const request = (context) => JSON.stringify({ context });

  test("one flag: success of every type", async () => {
    for (const flag of ["new-checkout", "theme", "page-size", "ratio", "limits", "rollout", "switched-off"]) {
      const answer = await post(`/${flag}`, request({ targetingKey: "u1" }));
      assert.equal(answer.status, 200);
      assert.match(answer.type, /^application\/json/);
      holds("serverEvaluationSuccess", answer);
    }
  });

  test("one flag: 400 and 404", async () => {
    for (const [flag, body, status, name] of [
      ["rollout", request({}), 400, "evaluationFailure"],
      ["theme", "{", 400, "evaluationFailure"],
      ["theme", request(7), 400, "evaluationFailure"],
      ["no-such-flag", request({}), 404, "flagNotFound"],
    ]) {
      const answer = await post(`/${flag}`, body);
      assert.equal(answer.status, status);
      holds(name, answer);
    }
  });

  test("all flags: success with a failing one, and 400", async () => {
    const answer = await post("", request({ plan: "pro" }), flags.keys.client);
    assert.equal(answer.status, 200);
    assert.ok(answer.body.flags.some((flag) => flag.errorCode === "TARGETING_KEY_MISSING"));
    holds("bulkEvaluationSuccess", answer);
    const failed = await post("", "{");
    assert.equal(failed.status, 400);
    holds("bulkEvaluationFailure", failed);
  });

  test("the check itself can fail", () => {
    const good = { key: "theme", value: "gold", variant: "gold", reason: "STATIC" };
    assert.equal(schema("serverEvaluationSuccess")(good), true);
    assert.equal(schema("serverEvaluationSuccess")({ ...good, key: 7 }), false);
    assert.equal(schema("serverEvaluationSuccess")({ ...good, reason: "BECAUSE" }), false);
    assert.equal(schema("serverEvaluationSuccess")({ ...good, value: null }), true, "codeDefaultFlag leaves values open");
  });

  test("the document still needs mending: its own example fails as it stands", () => {
    const answers = document.paths["/ofrep/v1/evaluate/flags/{key}"].post.responses;
    const { example } = answers["200"].content["application/json"];
    assert.equal(schemasOf(document)("serverEvaluationSuccess")(example), false);
    assert.equal(schema("serverEvaluationSuccess")(example), true);
  });
});
