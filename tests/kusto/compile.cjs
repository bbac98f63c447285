// Gives queries to Microsoft's compiler of KQL. From stdin: {"tables": {name: schema}, "queries": {name: text}}.
// To stdout: by query, what is wrong with it, empty where nothing is.
require("@kusto/language-service-next/bridge.min.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");

const { GlobalState, KustoCode, Symbols } = global.Kusto.Language;
const given = JSON.parse(require("fs").readFileSync(0, "utf-8"));
const tables = Object.entries(given.tables).map(([name, schema]) => new Symbols.TableSymbol.$ctor7(name, schema, ""));
const globals = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.$ctor1("workspace", tables));

const wrong = {};
for (const [name, text] of Object.entries(given.queries)) {
  const found = KustoCode.ParseAndAnalyze(text, globals).GetDiagnostics();
  wrong[name] = [];
  for (let each = 0; each < found.Count; each++) {
    const one = found.getItem(each);
    wrong[name].push(`line ${text.slice(0, one.Start).split("\n").length}: ${one.Message}`);
  }
}
process.stdout.write(JSON.stringify(wrong));
