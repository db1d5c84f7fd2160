//! As much of Gherkin as flagd's features use: outlines with examples, backgrounds, tags and tables.

use std::collections::BTreeMap;
use std::path::Path;

/// A scenario, with its examples filled in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) tags: Vec<String>,
    pub(crate) steps: Vec<Step>,
}

/// A line of a scenario and the table below it.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) text: String,
    pub(crate) table: Vec<BTreeMap<String, String>>,
}

/// A scenario as it is written.
#[derive(Default)]
struct Outline {
    scenario: Scenario,
    examples: Vec<Examples>,
}

#[derive(Default)]
struct Examples {
    tags: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// All scenarios of a file, in order.
pub(crate) fn read(path: &Path) -> Result<Vec<Scenario>, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut background: Vec<Step> = Vec::new();
    let mut outlines: Vec<Outline> = Vec::new();
    let mut feature_tags: Vec<String> = Vec::new();
    let mut tags: Vec<String> = Vec::new();
    // The header of a step's table, once it was read.
    let mut header: Option<Vec<String>> = None;
    let mut in_background = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        let at = || format!("{} line {}: {line}", path.display(), number + 1);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with('|') {
            let cells = cells(line);
            if let Some(examples) =
                outlines.last_mut().and_then(|outline| outline.examples.last_mut())
            {
                examples.rows.push(cells);
                continue;
            }
            match &header {
                None => header = Some(cells),
                Some(names) => {
                    let row = names.iter().cloned().zip(cells).collect();
                    let step =
                        outlines.last_mut().and_then(|outline| outline.scenario.steps.last_mut());
                    step.ok_or_else(at)?.table.push(row);
                }
            }
            continue;
        }
        header = None;
        if line.starts_with('@') {
            tags.extend(line.split_whitespace().map(ToOwned::to_owned));
        } else if line.starts_with("Feature:") {
            feature_tags = std::mem::take(&mut tags);
        } else if line.starts_with("Background:") {
            in_background = true;
        } else if let Some(name) =
            line.strip_prefix("Scenario Outline:").or_else(|| line.strip_prefix("Scenario:"))
        {
            in_background = false;
            let tags = feature_tags.iter().cloned().chain(std::mem::take(&mut tags)).collect();
            let scenario = Scenario { name: name.trim().to_owned(), tags, steps: Vec::new() };
            outlines.push(Outline { scenario, examples: Vec::new() });
        } else if line.starts_with("Examples:") {
            let examples = Examples { tags: std::mem::take(&mut tags), rows: Vec::new() };
            outlines.last_mut().ok_or_else(at)?.examples.push(examples);
        } else if let Some((_, text)) = line
            .split_once(' ')
            .filter(|(word, _)| ["Given", "And", "When", "Then", "But"].contains(word))
        {
            let step = Step { text: text.trim().to_owned(), table: Vec::new() };
            if in_background {
                background.push(step);
            } else {
                outlines.last_mut().ok_or_else(at)?.scenario.steps.push(step);
            }
        } else if outlines.is_empty() && !in_background {
            // A description of the feature.
        } else {
            return Err(at());
        }
    }
    Ok(outlines.iter().flat_map(|outline| filled(outline, &background)).collect())
}

fn cells(line: &str) -> Vec<String> {
    let inner = line.trim_matches('|');
    inner.split('|').map(|cell| cell.trim().to_owned()).collect()
}

fn filled(outline: &Outline, background: &[Step]) -> Vec<Scenario> {
    let with_background = |mut scenario: Scenario| {
        scenario.steps = background.iter().cloned().chain(scenario.steps).collect();
        scenario
    };
    if outline.examples.is_empty() {
        return vec![with_background(outline.scenario.clone())];
    }
    let mut scenarios = Vec::new();
    for examples in &outline.examples {
        let Some((names, rows)) = examples.rows.split_first() else { continue };
        for row in rows {
            let fill = |text: &str| {
                names.iter().zip(row).fold(text.to_owned(), |text, (name, value)| {
                    text.replace(&format!("<{name}>"), value)
                })
            };
            let mut scenario = outline.scenario.clone();
            scenario.name = format!("{} [{}]", scenario.name, row.join(", "));
            scenario.tags.extend(examples.tags.iter().cloned());
            scenario.steps.iter_mut().for_each(|step| step.text = fill(&step.text));
            scenarios.push(with_background(scenario));
        }
    }
    scenarios
}
