// A certified OpenID Provider (panva's oidc-provider) with one client that signs (private_key_jwt) and one person, who presses a button instead of a password. Says where it is
// when it listens. Must not know whose client it has.

import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const { modules, host, port, redirect_uri: back, audience, claims, client_key: clientKey } = JSON.parse(process.argv[2]);
const place = createRequire(join(modules, "package.json")).resolve("oidc-provider");
const { default: Provider } = await import(pathToFileURL(place));

const url = `http://${host}:${port}`;
const key = { ...generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" }), kid: "one", use: "sig", alg: "ES256" };
const RESOURCE = "urn:judge:airlock";
const served = { scope: audience, audience, accessTokenTTL: 300, accessTokenFormat: "jwt", jwt: { sign: { alg: "ES256" } } };

const provider = new Provider(url, {
  jwks: { keys: [key] },
  cookies: { keys: [process.env.JUDGE_CLIENT_SECRET] },
  clients: [{
    client_id: "console at judge", jwks: { keys: [clientKey] }, redirect_uris: [back], post_logout_redirect_uris: [new URL("/console/sign-in", back).href], response_types: ["code"], grant_types: ["authorization_code"],
    token_endpoint_auth_method: "private_key_jwt", token_endpoint_auth_signing_alg: "ES256", id_token_signed_response_alg: "ES256",
  }],
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: false },
    rpInitiatedLogout: { enabled: true, logoutSource: (context, form) => { context.body = leaving(form); } },
    resourceIndicators: { enabled: true, defaultResource: () => RESOURCE, useGrantedResource: () => true, getResourceServerInfo: () => served },
  },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  extraTokenClaims: () => claims,
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  async loadExistingGrant({ oidc }) {
    const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope("openid");
    grant.addResourceScope(RESOURCE, audience);
    await grant.save();
    return grant;
  },
});

const page = (path) => `<!doctype html><html lang="en"><head><title>Issuer</title><link rel="icon" href="data:,"></head><body><main><h1>Issuer</h1><form method="post" action="${path}">
<button name="go" value="yes">Let me in</button><button name="go" value="no">No</button></form></main></body></html>`;

const leaving = (form) => `<!doctype html><html lang="en"><head><title>Issuer</title><link rel="icon" href="data:,"></head><body><main><h1>Issuer</h1>${form}
<button form="op.logoutForm" name="logout" value="yes">Sign me out</button></main></body></html>`;

async function pressed(request, response) {
  await provider.interactionDetails(request, response);
  if (request.method === "GET") {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(page(request.url));
    return;
  }
  let body = "";
  for await (const part of request) {
    body += part;
  }
  const yes = new URLSearchParams(body).get("go") === "yes";
  const result = yes ? { login: { accountId: "alice" } } : { error: "access_denied", error_description: "not today" };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

const all = provider.callback();
const server = createServer((request, response) => {
  const done = request.url.startsWith("/interaction/") ? pressed(request, response) : all(request, response);
  Promise.resolve(done).catch((error) => response.writeHead(500).end(String(error)));
});
server.listen(port, host, () => console.log(JSON.stringify({ listening: url })));
