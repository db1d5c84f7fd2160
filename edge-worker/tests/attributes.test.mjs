// What the edge knows of a request by itself.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startEdge } from "./support/edge.mjs";
import { startOrigin } from "./support/origin.mjs";
import { CONFIGURATION, environment } from "./support/world.mjs";

const CF = {
  continent: "EU", country: "DE", regionCode: "BE", city: "Berlin", timezone: "Europe/Berlin", isEUCountry: "1", asn: 64496, asOrganization: "Example Net",
};
const PHONE = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36";
const LAPTOP = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15";

/** A flag that is on where one attribute has one value. */
const flag = (attribute, value) => ({
  ...CONFIGURATION.flags["server-only"], clientVisible: true, fallthrough: { variant: "off" },
  rules: [{ id: "is", when: { equals: { attribute, value } }, serve: { variant: "on" } }],
});

const EXPECTED = [
  ["geo.continent", "EU"], ["geo.country", "DE"], ["geo.region", "BE"], ["geo.city", "Berlin"], ["geo.timezone", "Europe/Berlin"], ["geo.eu", true],
  ["network.asn", 64496], ["network.organization", "Example Net"], ["network.ip", "203.0.113.9"],
  ["device.type", "mobile"], ["device.os", "Android"], ["device.browser", "Chrome"], ["device.language", "de-DE"],
];
const name = (attribute) => `in-${attribute.replace(".", "-")}`;
const type = (value) => (typeof value === "string" ? "string" : typeof value);

describe("attributes of the request", () => {
  const world = environment();
  const configuration = {
    ...CONFIGURATION,
    attributes: { ...CONFIGURATION.attributes, ...Object.fromEntries(EXPECTED.map(([attribute, value]) => [attribute, { type: type(value) }])) },
    flags: { ...CONFIGURATION.flags, ...Object.fromEntries(EXPECTED.map(([attribute, value]) => [name(attribute), flag(attribute, value)])) },
  };
  const signed = world.sign({ version: 1, configuration });
  const headers = { "user-agent": PHONE, "accept-language": "de-DE,de;q=0.9,en;q=0.5", "cf-connecting-ip": "203.0.113.9" };
  let origin, edge;
  before(async () => {
    origin = await startOrigin(world.id, world.keys.edge);
    origin.serve(signed);
    const common = { connection: world.connection(origin.url, signed.fingerprint), pushKey: world.pushKey };
    edge = await startEdge({ ...common, cf: CF });
  });
  after(async () => {
    await edge?.stop();
    await edge?.remove();
    await origin?.stop();
  });
  const value = async (attribute, context = {}, key = world.keys.client, more = headers) => {
    const { status, body } = await edge.evaluate(name(attribute), context, key, more);
    assert.equal(status, 200, JSON.stringify(body));
    return body.value;
  };

  for (const [attribute, expected] of EXPECTED) {
    test(`${attribute} is ${expected}`, async () => assert.equal(await value(attribute), true));
  }

  test("client hints say more than the user agent", async () => {
    const hints = { ...headers, "user-agent": LAPTOP, "sec-ch-ua-mobile": "?1", "sec-ch-ua-platform": '"Android"' };
    assert.equal(await value("device.type", {}, world.keys.client, hints), true);
    assert.equal(await value("device.os", {}, world.keys.client, hints), true);
    assert.equal(await value("device.browser", {}, world.keys.client, hints), false);
    assert.equal(await value("device.type", {}, world.keys.client, { ...headers, "user-agent": LAPTOP }), false);
  });

  test("who has a client key cannot say where they are; who has a server key speaks for others", async () => {
    const elsewhere = { "geo.country": "FR" };
    assert.equal(await value("geo.country", elsewhere), true, "the edge knows better");
    const unknown = { ...headers, "user-agent": "", "accept-language": "" };
    assert.equal(await value("device.language", { "device.language": "de-DE" }, world.keys.client, unknown), false, "nor fill in what it does not know");
    assert.equal(await value("geo.country", {}, world.keys.server), false, "a server's own place says nothing");
    assert.equal(await value("geo.country", { "geo.country": "DE" }, world.keys.server), true);
  });

  test("every interface has them, and they are part of the ETag", async () => {
    const batch = await fetch(`${edge.url}/api/v1/flags/batch`, {
      method: "POST",
      headers: { ...headers, authorization: `Bearer ${world.keys.client}` },
      body: JSON.stringify({ context: {}, flags: ["in-geo-country"] }),
    });
    assert.equal((await batch.json()).flags[0].value, true);
    const single = await edge.get(`/api/v1/flags/in-geo-country?userId=u1&key=${world.keys.client}`, headers);
    assert.equal((await single.json()).value, true);
    const tag = async (agent) => (await edge.evaluate(undefined, {}, world.keys.client, { ...headers, "user-agent": agent })).headers.get("etag");
    assert.notEqual(await tag(PHONE), await tag(LAPTOP));
    assert.equal(await tag(PHONE), await tag(PHONE));
  });
});
