// `npm run serve`: the page against the mock, for a look at http://127.0.0.1:8088/.
import { fileURLToPath } from "node:url";
import { MockGateway } from "./gateway.mjs";

const dist = fileURLToPath(new URL("../../dist", import.meta.url));
const port = await new MockGateway({ dist }).listen(Number(process.env.PORT ?? 8088));
console.log(`http://127.0.0.1:${port}/  (nobody answers at "echo": open a second page, use join:)`);
