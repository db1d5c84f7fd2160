//! Regular expressions become automata here, so that the evaluator carries a runner and no compiler (core/spec/evaluation.md section 5.3).

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, nfa::thompson, util::syntax};
use regex_syntax::ast::{self, Ast, Visitor};

use crate::evaluate::{ACCEPT, DEAD};
use crate::limits::MAX_AUTOMATON_BYTES;

/// While it is built an automaton may take this much more than in the end.
const BUILD_BYTES: usize = 32 * MAX_AUTOMATON_BYTES;

/// In front of the rows: the first state, the number of classes, each byte's class, the rows' length.
const FRONT_BYTES: usize = 2 + 1 + 256 + 4;

/// The automaton in the form that `evaluate::automaton` runs.
///
/// # Errors
/// What is wrong with the pattern, in one sentence.
pub(super) fn compile(pattern: &str) -> Result<Vec<u8>, String> {
    encode(&automaton(pattern)?)
}

/// The automaton that finds the pattern anywhere in a text.
///
/// # Errors
/// As [`compile`].
pub(super) fn automaton(pattern: &str) -> Result<dense::DFA<Vec<u32>>, String> {
    let pattern = with_ascii_classes(pattern)?;
    dense::Builder::new()
        .configure(
            dense::Config::new()
                .start_kind(StartKind::Unanchored)
                .minimize(false)
                .dfa_size_limit(Some(BUILD_BYTES))
                .determinize_size_limit(Some(BUILD_BYTES)),
        )
        .syntax(syntax::Config::new().nest_limit(50))
        .thompson(thompson::Config::new().nfa_size_limit(Some(BUILD_BYTES)))
        .build(&pattern)
        .map_err(|error| too_large_or(&error.to_string()))
}

fn too_large_or(message: &str) -> String {
    if message.contains("limit") || message.contains("exceed") {
        format!(
            "makes an automaton over {MAX_AUTOMATON_BYTES} bytes: use a simpler pattern, with fewer or shorter repetitions"
        )
    } else {
        format!("is no regular expression of linear time: {message}")
    }
}

/// The state in which a text begins.
pub(super) fn start(dfa: &dense::DFA<Vec<u32>>) -> Result<StateID, String> {
    dfa.start_state(&start::Config::new().anchored(Anchored::No))
        .map_err(|error| format!("cannot be started: {error}"))
}

/// Numbers the states that can be reached, and writes a row for each.
fn encode(dfa: &dense::DFA<Vec<u32>>) -> Result<Vec<u8>, String> {
    let start = self::start(dfa)?;
    // One byte of each class stands for all of its class.
    let classes = dfa.byte_classes();
    let columns = classes.alphabet_len();
    let representatives: Vec<u8> = (0..columns - 1)
        .filter_map(|class| (0..=u8::MAX).find(|byte| usize::from(classes.get(*byte)) == class))
        .collect();

    let mut numbers: BTreeMap<StateID, u16> = BTreeMap::new();
    let mut order: Vec<StateID> = Vec::new();
    let mut number = |state: StateID, order: &mut Vec<StateID>| -> Result<u16, String> {
        if dfa.is_dead_state(state) || dfa.is_quit_state(state) {
            return Ok(DEAD);
        }
        if dfa.is_match_state(state) {
            return Ok(ACCEPT);
        }
        if let Some(number) = numbers.get(&state) {
            return Ok(*number);
        }
        let next = order.len() + 2;
        if (next + 1) * columns * 2 + FRONT_BYTES > MAX_AUTOMATON_BYTES {
            return Err(too_large_or("limit"));
        }
        numbers.insert(state, next as u16);
        order.push(state);
        Ok(next as u16)
    };
    let first = number(start, &mut order)?;
    let mut rows: Vec<u16> = alloc::vec![DEAD; columns];
    rows.extend(alloc::vec![ACCEPT; columns]);
    let mut done = 0;
    while let Some(state) = order.get(done).copied() {
        done += 1;
        for byte in &representatives {
            rows.push(number(dfa.next_state(state, *byte), &mut order)?);
        }
        rows.push(number(dfa.next_eoi_state(state), &mut order)?);
    }

    let mut bytes = first.to_le_bytes().to_vec();
    bytes.push((columns - 1) as u8);
    bytes.extend((0..=u8::MAX).map(|byte| classes.get(byte)));
    bytes.extend_from_slice(&((rows.len() * 2) as u32).to_le_bytes());
    rows.iter().for_each(|cell| bytes.extend_from_slice(&cell.to_le_bytes()));
    Ok(bytes)
}

/// Rewrites Perl classes and word boundaries to their ASCII meaning; a Unicode `\w` alone is an automaton of a hundred kilobytes.
fn with_ascii_classes(pattern: &str) -> Result<String, String> {
    let tree =
        ast::parse::ParserBuilder::new().nest_limit(50).build().parse(pattern).map_err(
            |error| format!("is no regular expression of linear time: {}", error.kind()),
        )?;
    let places = ast::visit(&tree, Places::default())?;
    let mut rewritten = String::new();
    let mut end = 0;
    for (from, to, text) in places {
        rewritten.push_str(pattern.get(end..from).unwrap_or_default());
        rewritten.push_str(text);
        end = to;
    }
    rewritten.push_str(pattern.get(end..).unwrap_or_default());
    Ok(rewritten)
}

/// What to write in place of what, in the order of the pattern.
#[derive(Default)]
struct Places(Vec<(usize, usize, &'static str)>);

impl Places {
    fn class(&mut self, class: &ast::ClassPerl) {
        let text = match (&class.kind, class.negated) {
            (ast::ClassPerlKind::Digit, false) => "[0-9]",
            (ast::ClassPerlKind::Digit, true) => "[^0-9]",
            (ast::ClassPerlKind::Space, false) => r"[\t\n\x0B\x0C\r\x20]",
            (ast::ClassPerlKind::Space, true) => r"[^\t\n\x0B\x0C\r\x20]",
            (ast::ClassPerlKind::Word, false) => "[0-9A-Za-z_]",
            (ast::ClassPerlKind::Word, true) => "[^0-9A-Za-z_]",
        };
        self.0.push((class.span.start.offset, class.span.end.offset, text));
    }
}

impl Visitor for Places {
    type Output = Vec<(usize, usize, &'static str)>;
    type Err = String;

    fn finish(mut self) -> Result<Self::Output, Self::Err> {
        self.0.sort_unstable();
        Ok(self.0)
    }

    fn visit_pre(&mut self, node: &Ast) -> Result<(), Self::Err> {
        match node {
            Ast::ClassPerl(class) => self.class(class),
            Ast::Assertion(assertion) => {
                let text = match assertion.kind {
                    ast::AssertionKind::WordBoundary => r"(?-u:\b)",
                    ast::AssertionKind::NotWordBoundary => {
                        // The negation does not hold inside of a character, where there is no position for people.
                        return Err(r"uses \B, which is not supported".to_string());
                    }
                    _ => return Ok(()),
                };
                self.0.push((assertion.span.start.offset, assertion.span.end.offset, text));
            }
            _ => {}
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ast::ClassSetItem) -> Result<(), Self::Err> {
        if let ast::ClassSetItem::Perl(class) = item {
            self.class(class);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::Reader;

    fn matches(pattern: &str, text: &str) -> bool {
        let automaton = compile(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        crate::evaluate::accepts(&mut Reader::new(&automaton), text.as_bytes()).unwrap()
    }

    #[test]
    fn matches_as_expected() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("b+", "abbbc", true),
            ("^b+$", "abbbc", false),
            ("^b+$", "bbb", true),
            (r"^\w+@\w+\.(com|org)$", "ann@example.org", true),
            (r"^\w+@\w+\.(com|org)$", "ann@example.net", false),
            (r"\bcat\b", "a cat.", true),
            (r"\bcat\b", "concat", false),
            (r"^[\w-]+$", "a-b_c", true),
            (r"^\w$", "é", false),
            ("^.$", "é", true),
            ("^é+$", "ééé", true),
            ("(?i)straße", "STRAßE", true),
            ("(?i)^É$", "é", true),
            (r"^\D\S\W$", "é.é", true),
            ("a{3}", "aa", false),
            ("^$", "x", false),
            (r"(?m)^x$", "a\nx\nb", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn refuses_what_is_not_linear_or_too_large() {
        for (pattern, word) in [
            (r"(a)\1", "backreference"),
            ("(?=a)", "look"),
            ("(", "unclosed"),
            (r"\p{L}{1,50}x\p{L}{50}", "65536 bytes"),
            ("(a|b)*a(a|b){14}", "65536 bytes"),
            (r"a\Bb", r"\B"),
        ] {
            let error = compile(pattern).expect_err(pattern);
            assert!(error.contains(word), "{pattern}: {error}");
        }
    }

    #[test]
    fn stays_small_for_what_people_write() {
        for (pattern, limit) in [(r"\w+@\w+\.\w+", 1_500), (r"^https?://[^/]+/", 3_000)] {
            let size = compile(pattern).unwrap().len();
            assert!(size <= limit, "{pattern}: {size} bytes");
        }
    }
}
