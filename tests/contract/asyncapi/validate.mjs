// Says what the official AsyncAPI parser finds wrong in a document: node validate.mjs <file>
// Exits with 0 when it is valid, with 1 when there is an error or a warning.
import { readFile } from "node:fs/promises";
import { DiagnosticSeverity, Parser } from "@asyncapi/parser";

const text = await readFile(process.argv[2], "utf8");
const { document, diagnostics } = await new Parser().parse(text);
const faults = diagnostics.filter(({ severity }) => severity <= DiagnosticSeverity.Warning);

for (const { code, message, path, severity } of faults) {
  console.error(`${DiagnosticSeverity[severity]} ${code} at ${path.join(".")}: ${message}`);
}
if (document) {
  console.log(JSON.stringify({
    version: document.version(),
    channels: document.channels().all().map((channel) => channel.address()),
    messages: document.allMessages().all().map((message) => message.name()),
    operations: document.operations().all().map((operation) => operation.id()),
  }));
}
process.exitCode = document && faults.length === 0 ? 0 : 1;
