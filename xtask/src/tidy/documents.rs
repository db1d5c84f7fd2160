//! Every path that a document names exists.

use std::collections::BTreeSet;

/// Endings that make a word without a slash a path.
const FILES: &[&str] = &[".rs", ".md", ".toml", ".json", ".mjs", ".ts", ".sql", ".lock", ".html"];
/// First parts of what is built or kept at run time, and so is not in a clean clone.
const BUILT: &[&str] = &["target", "node_modules", ".pennon"];
const BUILT_PARTS: &[&str] = &["dist", "pkg", "generated"];
/// What has slashes and is no path of ours: media types, npm's names of entry points.
const OTHERS: &[&str] = &["application", "text", "image", "pennon", "http:", "https:"];

/// The files of the repository and their folders. Not the file system's word: an empty folder is in no clone.
#[derive(Debug)]
pub(crate) struct Paths {
    files: BTreeSet<String>,
    folders: BTreeSet<String>,
}

impl Paths {
    pub(crate) fn of(files: &[String]) -> Self {
        let ends = |file: &str| {
            file.match_indices('/').map(|(end, _)| file[..end].to_owned()).collect::<Vec<_>>()
        };
        Self {
            files: files.iter().cloned().collect(),
            folders: files.iter().flat_map(|file| ends(file)).collect(),
        }
    }
}

/// Adds a line to `wrong` for every path that `text` names and the repository does not have.
pub(crate) fn check(document: &str, text: &str, paths: &Paths, wrong: &mut Vec<String>) {
    let mut tree: Vec<(usize, String)> = Vec::new();
    let mut fence: Option<bool> = None;
    for (index, line) in text.lines().enumerate() {
        let mut names = Vec::new();
        if let Some(language) = line.trim_start().strip_prefix("```") {
            // A fence without a language, or of text, may be a tree of folders; of a language, it is an example.
            fence =
                if fence.is_some() { None } else { Some(matches!(language.trim(), "" | "text")) };
            tree.clear();
            continue;
        }
        match fence {
            Some(true) => names.extend(tree_line(line, &mut tree)),
            Some(false) => {}
            None => {
                names.extend(
                    line.split('`')
                        .skip(1)
                        .step_by(2)
                        .filter(|span| is_path(span))
                        .map(str::to_owned),
                );
                names.extend(links(line));
            }
        }
        // A name without a folder may be of a file in one that its line names.
        let folders: Vec<&str> = names
            .iter()
            .map(|name| name.trim_end_matches('/'))
            .filter(|name| paths.folders.contains(*name))
            .collect();
        for name in names.iter().flat_map(|name| expand(name)) {
            let beside = || folders.iter().any(|folder| exists(&format!("{folder}/{name}"), paths));
            if !exists(&name, paths) && (name.contains('/') || !beside()) {
                wrong.push(format!("{document}:{} names {name}, which does not exist", index + 1));
            }
        }
    }
}

fn path_characters(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "._-/{},*".contains(c))
}

fn is_path(word: &str) -> bool {
    let first = word.split('/').next().unwrap_or_default();
    path_characters(word)
        && !word.starts_with('/')
        && !OTHERS.contains(&first)
        && (word.contains('/')
            || FILES.iter().any(|ending| word.len() > ending.len() && word.ends_with(ending)))
}

/// The first word of a line in a tree, below the nearest line above that is indented less.
fn tree_line(line: &str, tree: &mut Vec<(usize, String)>) -> Option<String> {
    let indent = line.len() - line.trim_start().len();
    let word = line.split_whitespace().next()?;
    if !is_path(word) {
        return None;
    }
    while tree.last().is_some_and(|(above, _)| *above >= indent) {
        tree.pop();
    }
    let path = match tree.last() {
        Some((_, folder)) => format!("{}/{word}", folder.trim_end_matches('/')),
        None => word.to_owned(),
    };
    tree.push((indent, path.clone()));
    Some(path)
}

/// Targets of Markdown links into the repository, without their anchors.
fn links(line: &str) -> Vec<String> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#', ' ']).next())
        .filter(|target| path_characters(target) && !target.starts_with('/'))
        .map(str::to_owned)
        .collect()
}

/// `a/{b,c}.rs` names two paths.
fn expand(name: &str) -> Vec<String> {
    let parts = name.split_once('{').and_then(|(before, rest)| {
        let (choices, after) = rest.split_once('}')?;
        Some((before, choices, after))
    });
    let Some((before, choices, after)) = parts else {
        return vec![name.to_owned()];
    };
    choices.split(',').flat_map(|choice| expand(&format!("{before}{choice}{after}"))).collect()
}

fn exists(name: &str, paths: &Paths) -> bool {
    let name = name.trim_end_matches('/');
    let first = name.split('/').next().unwrap_or_default();
    if BUILT.contains(&first) || name.split('/').any(|part| BUILT_PARTS.contains(&part)) {
        return true;
    }
    match name.split_once('*') {
        None => paths.files.contains(name) || paths.folders.contains(name),
        Some((before, after)) => paths
            .files
            .iter()
            .any(|file| file.starts_with(before) && file.ends_with(after.trim_start_matches('*'))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(text: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        let files = [
            "Cargo.toml",
            "core/Cargo.toml",
            "core/src/lib.rs",
            "xtask/src/main.rs",
            "xtask/src/stamp.rs",
        ];
        check("A.md", text, &Paths::of(&files.map(str::to_owned)), &mut wrong);
        wrong
    }

    #[test]
    fn a_path_that_exists_is_fine() {
        let text = "See `core/src`, `Cargo.toml`, `xtask/src/{main,stamp}.rs`, [it](core/Cargo.toml#top), `xtask/src/*.rs`.";
        assert_eq!(missing(text), Vec::<String>::new());
    }

    #[test]
    fn a_path_that_does_not_exist_is_named_with_its_line() {
        assert_eq!(
            missing("\n`core/src/gone.rs`"),
            ["A.md:2 names core/src/gone.rs, which does not exist"]
        );
        assert_eq!(missing("[x](gone.md)"), ["A.md:1 names gone.md, which does not exist"]);
        assert_eq!(missing("`xtask/src/{main,gone}.rs`").len(), 1);
        assert_eq!(missing("`xtask/src/*.gone`").len(), 1);
    }

    #[test]
    fn a_file_may_be_in_a_folder_that_its_line_names() {
        assert_eq!(missing("`xtask/src/`: `main.rs`, `stamp.rs`"), Vec::<String>::new());
        assert_eq!(missing("`xtask/src/`: `gone.rs`\n`main.rs`").len(), 2);
    }

    #[test]
    fn a_tree_is_read_by_its_indentation() {
        assert_eq!(
            missing("```\nxtask/   tool\n  src/   code\n    main.rs  start\ncore/\n```"),
            Vec::<String>::new()
        );
        assert_eq!(
            missing("```text\nxtask/\n  src/\n    gone.rs\n```"),
            ["A.md:4 names xtask/src/gone.rs, which does not exist"]
        );
    }

    #[test]
    fn other_words_with_slashes_are_no_paths() {
        let text = "`application/json`, `/v1/head`, `pennon/node`, `a / b`, `target/tools`, `npm/dist/x.js`";
        assert_eq!(missing(text), Vec::<String>::new());
        assert_eq!(missing("```sh\ncat gone.md\n```"), Vec::<String>::new());
    }
}
