// As much of Gherkin as OpenFeature's features use: scenarios, outlines with examples, backgrounds, tags and tables.

/** @returns `{ name, tags, steps: [{ text, table? }] }` for each scenario, and for each example of an outline */
export function parseFeature(text) {
  const scenarios = [];
  const feature = { tags: [], background: [] };
  let tags = [];
  let open;
  let into;
  const close = () => {
    if (open) scenarios.push(...examplesOf(open));
    open = undefined;
  };
  for (const line of text.split('\n').map((raw) => raw.trim())) {
    const [, keyword, rest] = /^(Feature|Background|Scenario Outline|Scenario|Examples):\s*(.*)$/.exec(line) ?? [];
    const [, step] = /^(?:Given|When|Then|And|But) (.*)$/.exec(line) ?? [];
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('@')) tags.push(...line.split(/\s+/));
    else if (keyword === 'Feature') {
      feature.tags = tags;
      tags = [];
    } else if (keyword === 'Background') into = feature.background;
    else if (keyword?.startsWith('Scenario')) {
      close();
      open = { name: rest, tags: [...feature.tags, ...tags], steps: [...feature.background], examples: [] };
      tags = [];
      into = open.steps;
    } else if (keyword === 'Examples') {
      into = { rows: [], tags };
      open.examples.push(into);
      tags = [];
    }
    else if (step) into.push({ text: step });
    else if (line.startsWith('|')) {
      const cells = line.slice(1, -1).split('|').map((cell) => cell.trim());
      if (into.rows) into.rows.push(cells);
      else (into.at(-1).table ??= []).push(cells);
    } else if (open) throw new Error(`not understood: ${line}`);
  }
  close();
  return scenarios;
}

function examplesOf({ examples, steps, ...scenario }) {
  if (examples.length === 0) return [{ ...scenario, steps }];
  return examples.flatMap(({ rows: [names, ...rows], tags }) =>
    rows.map((row) => ({
      name: `${scenario.name} (${row.join(', ')})`,
      tags: [...scenario.tags, ...tags],
      steps: steps.map(({ text, table }) => ({ text: text.replace(/<([^>]+)>/g, (_, name) => row[names.indexOf(name)]), table })),
    })),
  );
}
