// Calls node-zendesk as it is told, a JSON line each; runs beside the package that it loads.
const { createInterface } = require("node:readline");
const [url, signingIn, home] = process.argv.slice(2);
const { createClient } = require(`${home}/node_modules/node-zendesk`);

const client = createClient({
  ...JSON.parse(signingIn),
  nps: true,
  disableGlobalState: true,
  remoteUri: `${url}/api/v2`,
});

createInterface({ input: process.stdin }).on("line", (line) => {
  const [name, args] = JSON.parse(line);
  const [room, method] = name.split(".");
  client[room][method](...args, (error, status, body) => {
    const answer = error
      ? { error: error.message, status: error.statusCode, text: String(error.result) }
      : { result: body, status };
    console.log(JSON.stringify(answer));
  });
});
