// The interactive page: every operation of /admin/openapi.json as a form. Texts go into the page as text, never as markup; the token
// stays in its field and is sent to this origin alone.

const METHODS = ["get", "post", "put", "patch", "delete"];
/** How deep the skeleton of a body follows references. */
const DEPTH = 4;

/** @returns an element with properties and children. */
function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** A value that has the schema's shape: required fields alone. */
function skeleton(schema, components, depth = 0) {
  if (schema?.$ref) schema = components[schema.$ref.split("/").pop()];
  if (!schema || depth > DEPTH) return null;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  const choice = (schema.oneOf ?? schema.anyOf)?.[0];
  if (choice && !schema.properties) return skeleton(choice, components, depth + 1);
  switch ([schema.type].flat()[0]) {
    case "object": {
      const object = {};
      for (const name of schema.required ?? []) {
        object[name] = skeleton(schema.properties?.[name], components, depth + 1);
      }
      return object;
    }
    case "array":
      return [];
    case "string":
      return "";
    case "integer":
    case "number":
      return schema.minimum ?? 0;
    case "boolean":
      return false;
    default:
      return null;
  }
}

/** The request that the form asks for. */
function request(form, path, method, parameters, contentType) {
  const query = new URLSearchParams();
  const headers = {};
  for (const { name, in: place } of parameters) {
    const value = form.elements[`${place}:${name}`].value;
    if (place === "path") path = path.replace(`{${name}}`, encodeURIComponent(value));
    else if (value === "") continue;
    else if (place === "query") query.set(name, value);
    else headers[name] = value;
  }
  const body = form.elements.body?.value;
  if (body !== undefined) headers["Content-Type"] = contentType;
  const search = query.size > 0 ? `?${query}` : "";
  return { url: path + search, options: { method: method.toUpperCase(), headers, body } };
}

/** As a line for a shell; the token is named, not shown. */
function curl({ url, options }) {
  const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const headers = Object.entries(options.headers).map(([name, value]) => ` -H ${quote(`${name}: ${value}`)}`);
  const body = options.body === undefined ? "" : ` -d ${quote(options.body)}`;
  return `curl -X ${options.method} -H "Authorization: Bearer $TOKEN"${headers.join("")}${body} ${quote(location.origin + url)}`;
}

async function send({ url, options }, token, output) {
  output.hidden = false;
  output.textContent = "…";
  try {
    const authorization = token === "" ? {} : { Authorization: `Bearer ${token}` };
    const answer = await fetch(url, { ...options, credentials: "same-origin", headers: { ...options.headers, ...authorization } });
    const text = await answer.text();
    const etag = answer.headers.get("etag");
    let shown = text;
    try {
      shown = JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      // Shown as it came.
    }
    output.textContent = `${answer.status} ${answer.statusText}${etag ? `\nETag: ${etag}` : ""}\n\n${shown}`;
  } catch (error) {
    output.textContent = String(error);
  }
}

function operationForm(path, method, operation, components, token) {
  const parameters = operation.parameters ?? [];
  const form = element("form");
  for (const { name, in: place, description, required } of parameters) {
    form.append(
      element("label", {}, element("span", {}, element("code", { textContent: name }), ` ${place}. ${description ?? ""}`),
        element("input", { name: `${place}:${name}`, required: Boolean(required), autocomplete: "off" })),
    );
  }
  const [contentType, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  if (content) {
    const value = JSON.stringify(skeleton(content.schema, components), null, 2);
    form.append(element("label", {}, `Body, ${contentType}`, element("textarea", { name: "body", value, spellcheck: false })));
  }
  const line = element("pre", { hidden: true });
  const output = element("pre", { hidden: true });
  form.append(element("button", { textContent: "Send" }), line, output);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const asked = request(form, path, method, parameters, contentType);
    line.hidden = false;
    line.textContent = curl(asked);
    send(asked, token.value.trim(), output);
  });
  return form;
}

async function main() {
  const place = document.getElementById("operations");
  const token = document.getElementById("token");
  const find = document.getElementById("find");
  const { paths, components } = await (await fetch("/admin/openapi.json")).json();
  const groups = new Map();
  for (const [path, item] of Object.entries(paths)) {
    for (const method of METHODS.filter((name) => item[name])) {
      const operation = item[method];
      const entry = element("details", { id: operation.operationId },
        element("summary", {},
          element("span", { className: "method", textContent: method.toUpperCase() }),
          element("span", { className: "path", textContent: path }),
          element("span", { className: "text", textContent: operation.summary })));
      // A form is made when somebody looks at it.
      entry.addEventListener("toggle", () => entry.append(operationForm(path, method, operation, components.schemas, token)), { once: true });
      const [tag] = operation.tags;
      groups.set(tag, [...(groups.get(tag) ?? []), entry]);
    }
  }
  place.replaceChildren();
  for (const [tag, entries] of groups) {
    place.append(element("section", {}, element("h2", { textContent: tag }), ...entries));
  }
  find.addEventListener("input", () => {
    const words = find.value.toLowerCase().split(/\s+/);
    for (const section of place.children) {
      const entries = [...section.querySelectorAll("details")];
      for (const entry of entries) {
        const text = `${entry.id} ${entry.firstChild.innerText}`.toLowerCase();
        entry.hidden = !words.every((word) => text.includes(word));
      }
      section.hidden = entries.every((entry) => entry.hidden);
    }
  });
}

main().catch((error) => {
  document.getElementById("operations").textContent = `The document cannot be read: ${error}`;
});
