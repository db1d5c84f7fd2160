// What a worker costs that does nothing: parses the body of the request and answers with a constant.
export default {
  async fetch(request, env) {
    const { context } = await request.json();
    if (typeof context !== "object") return new Response(null, { status: 400 });
    return new Response(env.ANSWER, { headers: { "content-type": "application/json", "cache-control": "private, no-cache" } });
  },
};
