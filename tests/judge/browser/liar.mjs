// A gateway that lies: a proxy that changes what comes and goes, one lie at a time, each of which the checks have to find under its name.
// Must not know the gateway.

import { createServer, request as forward } from "node:http";

// The proxy, while it is there.
export class Liar {
  constructor(target, lie) {
    this.target = new URL(target);
    this.lie = lie;
    this.server = createServer((request, response) => this.passed(request, response));
  }

  async begin() {
    await new Promise((done) => { this.server.listen(0, "127.0.0.1", done); });
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  end() {
    this.server.close();
    this.server.closeAllConnections();
  }

  passed(request, response) {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      const asked = { method: request.method, path: request.url, headers: { ...request.headers, host: this.target.host }, body: Buffer.concat(parts) };
      // To the gateway its forms come from itself, as they do where nobody stands between.
      if (asked.headers.origin === `http://${request.headers.host}`) {
        asked.headers.origin = this.target.origin;
      }
      const instead = this.lie.asked?.(asked);
      if (instead) {
        response.writeHead(instead.status, instead.headers).end(instead.body ?? "");
        return;
      }
      const passed = forward({ host: this.target.hostname, port: this.target.port, method: asked.method, path: asked.path, headers: asked.headers }, (answer) => {
        const said = [];
        answer.on("data", (part) => said.push(part));
        answer.on("end", () => {
          const told = { status: answer.statusCode, headers: { ...answer.headers }, body: Buffer.concat(said).toString() };
          this.lie.told?.(asked, told);
          delete told.headers["transfer-encoding"];
          response.writeHead(told.status, { ...told.headers, "content-length": Buffer.byteLength(told.body) }).end(told.body);
        });
      });
      passed.on("error", () => response.destroy());
      passed.end(asked.body);
    });
  }
}

// A page changed before it is shown.
const pages = (change) => ({ told: (asked, told) => { if (/html/.test(told.headers["content-type"] ?? "")) { told.body = change(told.body); } } });
// The same, of a console that has no policy.
const unsealed = (change) => ({ told: (asked, told) => { delete told.headers["content-security-policy"]; pages(change).told(asked, told); } });
// The style sheet with more in it.
const styled = (more) => ({ told: (asked, told) => { if (asked.path.endsWith("style.css")) { told.body += more; } } });
const inBody = (html) => (body) => body.replace("</main>", `${html}</main>`);
// A gateway that believes of every form that it is its own.
const believing = { asked: (asked) => { asked.headers["sec-fetch-site"] = "same-origin"; delete asked.headers.origin; } };
const PROFILE = '<!doctype html><html lang="en"><title>Recorded</title><main><h1>Recorded</h1><h2 id="profile">The profile</h2><textarea readonly aria-labelledby="profile">{"bearerToken":"x"}</textarea></main></html>';
const RECORDED = `<!doctype html><html lang="en"><head><title>Recorded</title></head><body><main><h1>Recorded</h1><p role="status"><strong>You approved overlap</strong>: leaf 7.</p>
<pre tabindex="0" role="region" aria-label="The checkpoint of the receipt">airlock</pre></main></body></html>`;

// Every lie: of which part, what is told, and as what it has to be found.
export function lies() {
  return [
    { name: "a field without a label", part: "sign-in", ...pages((body) => body.replace(/<label[^>]*>/, "<span>").replace("</label>", "</span>")), found: /axe label \(critical\)/ },
    { name: "a page without a language", part: "sign-in", ...pages((body) => body.replace(' lang="en"', "")), found: /axe html-has-lang \(serious\)/ },
    { name: "no contrast", part: "sign-in", ...styled(":root { --dim: #c9c9c9 }"), found: /light: axe color-contrast \(serious\)/ },
    { name: "no contrast in the dark", part: "sign-in", ...styled("@media (prefers-color-scheme: dark) { :root { --dim: #333333 } }"), found: /dark: axe color-contrast \(serious\)/ },
    { name: "a page that is too wide", part: "sign-in", size: "phone", ...styled("main { min-width: 30rem }"), found: /it scrolls sideways/ },
    { name: "no outline", part: "keys", ...styled(":focus-visible { outline: none }"), found: /the focus is not seen on button "Sign in"/ },
    { name: "a button that no key reaches", part: "keys", ...pages((body) => body.replace('class="primary" type="submit">Sign in<', 'class="primary" tabindex="-1" type="submit">Sign in<')), found: /button "Sign in" is not reached by Tab/ },
    { name: "an inline script", part: "sign-in", ...pages(inBody("<script>window.__pwned = 1</script>")), found: /the content policy was violated: script-src/ },
    { name: "an inline style", part: "sign-in", ...pages(inBody('<p style="color: red">red</p>')), found: /violat|not the console's/ },
    { name: "an inline script, and no policy", part: "sign-in", ...unsealed(inBody("<script>window.__pwned = 1</script>")), found: /a foreign script ran/ },
    { name: "a picture of another origin, and no policy", part: "sign-in", ...unsealed(inBody('<img alt="" src="http://127.0.0.2:9/x.png">')), found: /a request to another origin: http:\/\/127\.0\.0\.2:9/ },
    { name: "a script that fails", part: "sign-in", told: (request, told) => { if (request.path.endsWith("console.js")) { told.body = "nothing.at.all();"; } }, found: /a script failed: nothing is not defined/ },
    { name: "a file that is missing", part: "sign-in", asked: ({ path }) => (path.endsWith("console.js") ? { status: 404, headers: {} } : undefined), found: /console says: Failed to load resource.*404/ },
    { name: "texts that are not escaped", part: "hostile", ...pages((body) => body.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')), found: /the content policy was violated|not the console's/ },
    { name: "texts that are not escaped, and no policy", part: "hostile", ...unsealed((body) => body.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')), found: /that markup in a text is a text is not seen|a foreign script ran/ },
    { name: "a mark of direction as it is", part: "hostile", ...pages((body) => body.replace("U+202E", "U+202E\u202e")), found: /a character that hides is in its text/ },
    { name: "a cookie for scripts", part: "cookie", told: (request, told) => { told.headers["set-cookie"] = told.headers["set-cookie"]?.map((one) => one.replace("; HttpOnly", "")) ?? []; }, found: /httpOnly is false, not true/ },
    { name: "a cookie for other sites", part: "cookie", told: (request, told) => { told.headers["set-cookie"] = told.headers["set-cookie"]?.map((one) => one.replace("Strict", "Lax")) ?? []; }, found: /sameSite is Lax, not Strict/ },
    { name: "a cookie that lasts", part: "cookie", told: (request, told) => { told.headers["set-cookie"] = told.headers["set-cookie"]?.map((one) => one.replace("Max-Age=1800", "Max-Age=86400")) ?? []; }, found: /it lasts 86\d+ s/ },
    { name: "a sign-out that keeps the session", part: "sign-out elsewhere",
      asked: ({ path }) => (path === "/console/sign-out" ? { status: 303, headers: { location: "/console/sign-in", "set-cookie": "airlock-console=; Max-Age=0; Path=/console; HttpOnly; SameSite=Strict" } } : undefined),
      found: /the session goes on in another tab/ },
    { name: "a sign-out that does nothing", part: "sign-out", asked: ({ path }) => (path === "/console/sign-out" ? { status: 303, headers: { location: "/console/sign-in" } } : undefined), found: /that one stays signed out is not seen/ },
    { name: "an approval that is not on record", part: "approval", asked: ({ method, path }) => (method === "POST" && path.endsWith("/approvals") ? { status: 200, headers: { "content-type": "text/html" }, body: RECORDED } : undefined),
      found: /"approved by shop" is on record 0 times more, not once/ },
    { name: "a token that is not on record", part: "shares", asked: ({ method, path }) => (method === "POST" && path.endsWith("/shares/tokens") ? { status: 201, headers: { "content-type": "text/html" }, body: PROFILE } : undefined),
      found: /"recipient-keyed by shop" is on record 0 times more/ },
    { name: "a field of a share without a label", part: "shares", ...pages((body) => body.replace(/<label for="recipient">[\s\S]*?<\/label>/, "")), found: /axe label \(critical\)/ },
    { name: "SQL of a room that is not shown", part: "approval", ...pages((body) => body.replace("SQL in aws-clean-rooms", "SQL in a room")), found: /"SQL in aws-clean-rooms" is not seen/ },
    { name: "a number of good leaves that is made up", part: "verification", ...pages((body) => body.replace(/\d+ leaves are good/, "99999 leaves are good")), found: /99999 leaves are said to be good/ },
    { name: "a log that does not verify", part: "verification", asked: ({ path }) => (path.endsWith("/verification") ? { status: 409, headers: { "content-type": "text/html" }, body: "no" } : undefined), found: /that the log verifies is not seen/ },
    { name: "forms of others are taken", part: "forgery", ...believing, found: /what a foreign page sent is on record/ },
  ];
}
