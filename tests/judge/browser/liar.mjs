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
