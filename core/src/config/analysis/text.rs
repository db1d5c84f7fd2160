//! Texts that pass some tests and fail others: the shortest, found by walking the tests' automata together.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt::Write;

use regex_automata::dfa::{Automaton as _, dense};
use regex_automata::util::primitives::StateID;

use crate::config::{Condition, Scalar, Texts, pattern};
use crate::evaluate::fold;

/// States of all automata together that are visited.
const MAX_STATES: usize = 4_000;
/// Bytes of texts in one automaton.
const MAX_TEXT: usize = 20_000;
/// Texts that are answered.
const ANSWERS: usize = 6;

/// A set of texts that an automaton knows.
#[derive(Debug)]
pub(super) enum Language {
    /// Those in which a pattern is found.
    Pattern(Box<dense::DFA<Vec<u32>>>),
    /// These alone: a trie.
    These(Vec<Node>),
    /// Those that compare so with a text: less 1, equal 2, greater 4.
    Compared { with: Vec<u8>, is: u8 },
    /// All texts: what is UTF-8. Every search walks it too, so it is not built.
    Valid,
}

/// What may follow within a text (The Unicode Standard, table 3-7): in which state, from which byte, to which byte, and the state then. A
/// text begins and ends in the state 0.
const UTF_8: [(u32, u8, u8, u32); 16] = [
    (0, 0x00, 0x7F, 0),
    (0, 0xC2, 0xDF, 1),
    (0, 0xE0, 0xE0, 2),
    (0, 0xE1, 0xEC, 3),
    (0, 0xED, 0xED, 4),
    (0, 0xEE, 0xEF, 3),
    (0, 0xF0, 0xF0, 5),
    (0, 0xF1, 0xF3, 6),
    (0, 0xF4, 0xF4, 7),
    (1, 0x80, 0xBF, 0),
    (2, 0xA0, 0xBF, 1),
    (3, 0x80, 0xBF, 1),
    (4, 0x80, 0x9F, 1),
    (5, 0x90, 0xBF, 3),
    (6, 0x80, 0xBF, 3),
    (7, 0x80, 0x8F, 3),
];

#[derive(Debug, Default)]
pub(super) struct Node {
    next: BTreeMap<u8, u32>,
    ends: bool,
}

/// Where one automaton is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    /// Of a pattern that has not been found yet.
    Looking(StateID),
    /// In the trie, or so many bytes into the compared text.
    At(u32),
    /// Whatever follows, it is decided.
    Always,
    Never,
}

/// What there is.
#[derive(Debug)]
pub(super) enum Found {
    /// Some of the shortest.
    Texts(Vec<String>),
    Nothing,
    /// More states than there is room for.
    Undecided,
}

impl Language {
    /// These texts. None if they are too many.
    pub(super) fn these<'t>(texts: impl Iterator<Item = &'t str>) -> Option<Self> {
        let mut nodes = alloc::vec![Node::default()];
        let mut bytes = 0;
        for text in texts {
            bytes += text.len();
            if bytes > MAX_TEXT {
                return None;
            }
            let mut at = 0u32;
            for byte in text.bytes() {
                let new = nodes.len() as u32;
                let next = *nodes.get_mut(at as usize)?.next.entry(byte).or_insert(new);
                if next == new {
                    nodes.push(Node::default());
                }
                at = next;
            }
            nodes.get_mut(at as usize)?.ends = true;
        }
        Some(Self::These(nodes))
    }

    /// The texts for which an operator holds. None if there is no automaton for them, or one that is too large.
    pub(super) fn of(condition: &Condition, folding: &mut Folding) -> Option<Self> {
        let pattern =
            |pattern: String| pattern::automaton(&pattern).ok().map(Box::new).map(Self::Pattern);
        let mut joined = |texts: &Texts, before: &str, behind: &str| {
            if texts.values.iter().map(String::len).sum::<usize>() > MAX_TEXT {
                return None;
            }
            let mut any = String::new();
            for (at, text) in texts.values.iter().enumerate() {
                any.push_str(if at > 0 { "|" } else { "" });
                if texts.ignore_case {
                    folding.write(text, before.is_empty(), behind.is_empty(), &mut any);
                } else {
                    any.push_str(&regex_syntax::escape(text));
                }
            }
            pattern(format!("{before}(?:{any}){behind}"))
        };
        let equal = |values: &mut dyn Iterator<Item = &Scalar>, ignore_case: bool| {
            let values = values.filter_map(|value| match value {
                Scalar::String(text) => Some(text.clone()),
                _ => None,
            });
            Texts { attribute: String::new(), values: values.collect(), ignore_case }
        };
        match condition {
            Condition::Equals(leaf) => {
                let texts = equal(&mut core::iter::once(&leaf.value), leaf.ignore_case);
                if leaf.ignore_case {
                    return joined(&texts, r"\A", r"\z");
                }
                Self::these(texts.values.iter().map(String::as_str))
            }
            Condition::In(leaf) => {
                let texts = equal(&mut leaf.values.iter(), leaf.ignore_case);
                if leaf.ignore_case && !texts.values.is_empty() {
                    return joined(&texts, r"\A", r"\z");
                }
                Self::these(texts.values.iter().map(String::as_str))
            }
            Condition::Contains(texts) => joined(texts, "", ""),
            Condition::StartsWith(texts) => joined(texts, r"\A", ""),
            Condition::EndsWith(texts) => joined(texts, "", r"\z"),
            Condition::Matches(leaf) => pattern(leaf.pattern.clone()),
            Condition::Text(leaf) => {
                Some(Self::Compared { with: leaf.value.clone().into_bytes(), is: leaf.is.bits() })
            }
            _ => None,
        }
    }

    fn first(&self) -> Option<State> {
        Some(match self {
            Self::Pattern(dfa) => Self::looking(dfa, pattern::start(dfa).ok()?),
            Self::These(_) => State::At(0),
            Self::Compared { .. } | Self::Valid => State::At(0),
        })
    }

    fn looking(dfa: &dense::DFA<Vec<u32>>, state: StateID) -> State {
        if dfa.is_match_state(state) {
            State::Always
        } else if dfa.is_dead_state(state) || dfa.is_quit_state(state) {
            State::Never
        } else {
            State::Looking(state)
        }
    }

    fn next(&self, state: State, byte: u8) -> State {
        match (self, state) {
            (_, State::Always | State::Never) => state,
            (Self::Pattern(dfa), State::Looking(at)) => {
                Self::looking(dfa, dfa.next_state(at, byte))
            }
            (Self::These(nodes), State::At(at)) => {
                let node = nodes.get(at as usize);
                node.and_then(|node| node.next.get(&byte)).map_or(State::Never, |at| State::At(*at))
            }
            (Self::Compared { with, is }, State::At(at)) => {
                let order =
                    with.get(at as usize).map_or(Ordering::Greater, |other| byte.cmp(other));
                let always = |bit: u8| if is & bit != 0 { State::Always } else { State::Never };
                match order {
                    Ordering::Less => always(1),
                    Ordering::Equal => State::At(at + 1),
                    Ordering::Greater => always(4),
                }
            }
            (Self::Valid, State::At(at)) => {
                let mut rows = UTF_8.iter();
                rows.find(|(from, first, last, _)| *from == at && (*first..=*last).contains(&byte))
                    .map_or(State::Never, |(_, _, _, then)| State::At(*then))
            }
            _ => State::Never,
        }
    }

    fn accepts(&self, state: State) -> bool {
        match (self, state) {
            (_, State::Always) => true,
            (Self::Pattern(dfa), State::Looking(at)) => dfa.is_match_state(dfa.next_eoi_state(at)),
            (Self::These(nodes), State::At(at)) => {
                nodes.get(at as usize).is_some_and(|node| node.ends)
            }
            (Self::Compared { with, is }, State::At(at)) => {
                is & if at as usize == with.len() { 2 } else { 1 } != 0
            }
            (Self::Valid, State::At(at)) => at == 0,
            _ => false,
        }
    }

    /// Marks bytes that are not to be told from the byte before.
    fn tell_apart(&self, begins: &mut [bool; 256]) {
        let mut alone = |byte: u8| {
            begins[usize::from(byte)] = true;
            if let Some(next) = begins.get_mut(usize::from(byte) + 1) {
                *next = true;
            }
        };
        match self {
            Self::Pattern(dfa) => {
                let classes = dfa.byte_classes();
                for byte in 1..=u8::MAX {
                    if classes.get(byte) != classes.get(byte - 1) {
                        begins[usize::from(byte)] = true;
                    }
                }
            }
            Self::These(nodes) => {
                nodes.iter().flat_map(|node| node.next.keys()).for_each(|byte| alone(*byte));
            }
            Self::Compared { with, .. } => with.iter().for_each(|byte| alone(*byte)),
            Self::Valid => {
                for (_, first, last, _) in UTF_8 {
                    begins[usize::from(first)] = true;
                    if let Some(next) = begins.get_mut(usize::from(last) + 1) {
                        *next = true;
                    }
                }
            }
        }
    }
}

/// The shortest texts that are in each of the languages, or, where it says false, are not.
pub(super) fn find(languages: &[(&Language, bool)]) -> Found {
    let valid = (&Language::Valid, true);
    let all: Vec<(&Language, bool)> = languages.iter().copied().chain([valid]).collect();
    let mut begins = [false; 256];
    all.iter().for_each(|(language, _)| language.tell_apart(&mut begins));
    // One byte stands for its class: a letter or a digit, if there is one.
    let mut bytes: Vec<u8> = Vec::new();
    for byte in 0..=u8::MAX {
        if byte == 0 || begins[usize::from(byte)] {
            bytes.push(byte);
        } else if let Some(last) = bytes.last_mut()
            && !last.is_ascii_alphanumeric()
            && (byte.is_ascii_alphanumeric()
                || (byte.is_ascii_graphic() && !last.is_ascii_graphic()))
        {
            *last = byte;
        }
    }
    bytes.sort_by_key(|byte| !byte.is_ascii_alphanumeric());

    let Some(first) = all.iter().map(|(language, _)| language.first()).collect::<Option<Vec<_>>>()
    else {
        return Found::Undecided;
    };
    let hopeless = |states: &[State]| {
        states.iter().zip(&all).any(|(state, (_, wanted))| {
            *state == if *wanted { State::Never } else { State::Always }
        })
    };
    let fits = |states: &[State]| {
        states
            .iter()
            .zip(&all)
            .all(|(state, (language, wanted))| language.accepts(*state) == *wanted)
    };
    // Each state with the one before it and the byte in between.
    let mut known: BTreeMap<Vec<State>, usize> = BTreeMap::from([(first.clone(), 0)]);
    let mut trail: Vec<(usize, u8)> = alloc::vec![(0, 0)];
    let mut open: VecDeque<(usize, Vec<State>)> = VecDeque::new();
    if !hopeless(&first) {
        open.push_back((0, first));
    }
    let mut texts = Vec::new();
    while let Some((at, states)) = open.pop_front() {
        if fits(&states) {
            texts.extend(text_to(&trail, at));
            if texts.len() == ANSWERS {
                break;
            }
        }
        for byte in &bytes {
            let next: Vec<State> = states
                .iter()
                .zip(&all)
                .map(|(state, (language, _))| language.next(*state, *byte))
                .collect();
            if hopeless(&next) || known.contains_key(&next) {
                continue;
            }
            if known.len() == MAX_STATES {
                return if texts.is_empty() { Found::Undecided } else { Found::Texts(texts) };
            }
            known.insert(next.clone(), trail.len());
            open.push_back((trail.len(), next));
            trail.push((at, *byte));
        }
    }
    if texts.is_empty() { Found::Nothing } else { Found::Texts(texts) }
}

fn text_to(trail: &[(usize, u8)], mut at: usize) -> Option<String> {
    let mut bytes = Vec::new();
    while at != 0 {
        let (before, byte) = trail.get(at)?;
        bytes.push(*byte);
        at = *before;
    }
    bytes.reverse();
    String::from_utf8(bytes).ok()
}

/// Which characters become which in lower case.
#[derive(Debug, Default)]
pub(super) struct Folding(BTreeMap<char, Vec<char>>);

/// The one character that becomes two: `i` and a dot above (Unicode, SpecialCasing.txt).
const CAPITAL_I_WITH_DOT: char = '\u{130}';
const DOT_ABOVE: char = '\u{307}';

impl Folding {
    /// A pattern of the texts that fold to this one; with `inside_before` and `inside_behind` it may begin and end within a character.
    fn write(
        &mut self,
        text: &str,
        inside_before: bool,
        inside_behind: bool,
        pattern: &mut String,
    ) {
        if self.0.is_empty() {
            for character in '\0'..='\u{1FFFF}' {
                let mut lower = character.to_lowercase();
                if let (Some(lower), None) = (lower.next(), lower.next()) {
                    self.0.entry(lower).or_default().push(character);
                }
            }
        }
        let folded: Vec<char> = fold(text).collect();
        let mut at = 0;
        while let Some(character) = folded.get(at) {
            let one = self.one(*character);
            let next = folded.get(at + 1);
            let dotted = CAPITAL_I_WITH_DOT;
            // Writing to a string does not fail.
            let _ = match (*character, next) {
                ('i', Some(&DOT_ABOVE)) => {
                    let dot = self.one(DOT_ABOVE);
                    at += 1;
                    write!(pattern, "(?:{one}{dot}|{dotted})")
                }
                ('i', None) if inside_behind => write!(pattern, "(?:{one}|{dotted})"),
                (DOT_ABOVE, _) if at == 0 && inside_before => {
                    write!(pattern, "(?:{one}|{dotted})")
                }
                _ => write!(pattern, "{one}"),
            };
            at += 1;
        }
    }

    /// A class of the characters that fold to this one.
    fn one(&self, character: char) -> String {
        let mut class = String::from("[");
        let known = self.0.get(&character);
        for character in known.map_or(core::slice::from_ref(&character), Vec::as_slice) {
            let _ = write!(class, "\\x{{{:X}}}", u32::from(*character));
        }
        class.push(']');
        class
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    use serde_json::{Value, json};

    fn language(condition: Value) -> Language {
        let condition = serde_json::from_value(condition).unwrap();
        Language::of(&condition, &mut Folding::default()).unwrap()
    }

    fn shortest(languages: &[(Value, bool)]) -> Option<String> {
        let languages: Vec<(Language, bool)> = languages
            .iter()
            .map(|(condition, wanted)| (language(condition.clone()), *wanted))
            .collect();
        let languages: Vec<(&Language, bool)> =
            languages.iter().map(|(language, wanted)| (language, *wanted)).collect();
        match find(&languages) {
            Found::Texts(texts) => texts.into_iter().next(),
            Found::Nothing => None,
            Found::Undecided => panic!("undecided"),
        }
    }

    fn texts(word: &str, values: &[&str], ignore_case: bool) -> Value {
        json!({word: {"attribute": "a", "values": values, "ignoreCase": ignore_case}})
    }

    #[test]
    fn finds_the_shortest_text_or_proves_that_there_is_none() {
        let starts = |value: &str| texts("starts_with", &[value], false);
        let ends = |value: &str| texts("ends_with", &[value], false);
        let matches = |pattern: &str| json!({"matches": {"attribute": "a", "pattern": pattern}});
        let text =
            |is: &str, value: &str| json!({"text": {"attribute": "a", "is": is, "value": value}});
        for (languages, expected) in [
            (vec![(starts("ab"), true), (ends("bc"), true)], Some("abc")),
            (vec![(starts("ab"), true), (starts("b"), true)], None),
            (vec![(starts("ab"), true), (starts("a"), false)], None),
            (vec![(starts("a"), true), (texts("in", &["a"], false), false)], Some("a0")),
            (vec![(matches("^[0-9]{3}$"), true), (starts("a"), true)], None),
            (
                vec![(matches("^[a-c]+$"), true), (texts("contains", &["c"], false), true)],
                Some("c"),
            ),
            (vec![(matches("^a*$"), true), (matches("^(aa)*$"), false)], Some("a")),
            (vec![(text("<", "b"), true), (text(">", "a"), true)], Some("a0")),
            (vec![(text("<", "a"), true), (text(">", "b"), true)], None),
            (vec![(text("<", "a\0"), true), (text(">", "a"), true)], None),
            (
                vec![(texts("in", &["ÉA"], true), true), (starts("é"), true), (ends("A"), true)],
                Some("éA"),
            ),
            (
                vec![(texts("ends_with", &["\u{307}y"], true), true), (ends("\u{307}y"), false)],
                Some("İY"),
            ),
            (
                vec![
                    (texts("contains", &["k"], true), true),
                    (texts("contains", &["k", "K"], false), false),
                ],
                Some("\u{212A}"),
            ),
            (
                vec![(matches("^.$"), true), (matches("^[\\x00-\\x{10FFFE}\\n]$"), false)],
                Some("\u{10FFFF}"),
            ),
        ] {
            assert_eq!(shortest(&languages).as_deref(), expected, "{languages:?}");
        }
    }

    #[test]
    fn a_text_is_what_is_utf_8() {
        let mut compared = 0;
        let mut compare = |bytes: &[u8]| {
            let end = bytes.iter().fold(State::At(0), |at, byte| Language::Valid.next(at, *byte));
            let accepted = Language::Valid.accepts(end);
            assert_eq!(accepted, core::str::from_utf8(bytes).is_ok(), "{bytes:x?}");
            compared += 1;
        };
        let edges = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF];
        for first in 0..=u8::MAX {
            compare(&[first]);
            for second in 0..=u8::MAX {
                compare(&[first, second]);
                for third in edges {
                    compare(&[first, second, third]);
                    edges.iter().for_each(|fourth| compare(&[first, second, third, *fourth]));
                }
            }
        }
        assert_eq!(compared, 256 + 256 * 256 * (1 + 10 + 100));
    }

    #[test]
    fn one_character_alone_becomes_two_in_lower_case() {
        let several: Vec<char> =
            ('\0'..=char::MAX).filter(|character| character.to_lowercase().count() > 1).collect();
        assert_eq!(several, [CAPITAL_I_WITH_DOT]);
        let beyond = ('\u{20000}'..=char::MAX).find(|c| c.to_lowercase().next() != Some(*c));
        assert_eq!(beyond, None);
    }
}
