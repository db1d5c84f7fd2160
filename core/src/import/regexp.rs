//! Regular expressions of JavaScript (ECMA-262 section 22.2 and annex B, without flags or with `i`) in our dialect.
//!
//! Texts are compared by characters, not by halves of surrogate pairs.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// Why a pattern has no translation.
enum Failure {
    /// JavaScript throws.
    Invalid,
    /// We have no such thing.
    Unsupported(&'static str),
}

/// None for what JavaScript takes for no regular expression; an engine in JavaScript then never matches.
///
/// # Errors
/// What of it cannot be said in linear time.
pub(crate) fn of_javascript(pattern: &str, ignore_case: bool) -> Result<Option<String>, String> {
    let characters: Vec<char> = pattern.chars().collect();
    let named = pattern.contains("(?<");
    let mut parser = Parser {
        characters,
        at: 0,
        depth: 0,
        ignore_case,
        named,
        beyond: false,
        out: String::new(),
    };
    match parser.disjunction() {
        Ok(()) if parser.at == parser.characters.len() => Ok(Some(parser.out)),
        // A parenthesis that closes nothing.
        Ok(()) | Err(Failure::Invalid) => Ok(None),
        Err(Failure::Unsupported(what)) => {
            Err(format!("the regular expression `{pattern}` has {what}"))
        }
    }
}

/// Whether a translated pattern matches the texts that numbers have (`-12.5e-7`): all of them, none, or none for what is not decided here.
pub(crate) fn on_numbers(pattern: &str) -> Option<bool> {
    let whole = regex_syntax::Parser::new().parse(pattern).ok()?;
    if !may_be_of_a_number(&whole) {
        return Some(false);
    }
    let properties = whole.properties();
    let mut looks = properties.look_set().iter();
    let nothing = properties.minimum_len() == Some(0) && looks.all(|look| look == Look::Start);
    let digit = matches!(whole.kind(), HirKind::Class(Class::Unicode(class))
        if class.iter().any(|range| range.start() <= '0' && '9' <= range.end()));
    (nothing || digit).then_some(true)
}

/// Whether it could match a text of nothing but what numbers are written with.
fn may_be_of_a_number(hir: &Hir) -> bool {
    const WRITTEN: &str = "0123456789+-.e";
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(text) => text.0.iter().all(|byte| WRITTEN.as_bytes().contains(byte)),
        HirKind::Class(Class::Unicode(class)) => class
            .iter()
            .any(|range| WRITTEN.chars().any(|one| (range.start()..=range.end()).contains(&one))),
        HirKind::Class(Class::Bytes(_)) => true,
        HirKind::Repetition(repetition) => {
            repetition.min == 0 || may_be_of_a_number(&repetition.sub)
        }
        HirKind::Capture(capture) => may_be_of_a_number(&capture.sub),
        HirKind::Concat(list) => list.iter().all(may_be_of_a_number),
        HirKind::Alternation(list) => list.iter().any(may_be_of_a_number),
    }
}

struct Parser {
    characters: Vec<char>,
    at: usize,
    depth: usize,
    ignore_case: bool,
    /// There may be a named group, which makes `\k` more than a letter.
    named: bool,
    /// A class held what to JavaScript is two characters.
    beyond: bool,
    out: String,
}

/// Inclusive.
type Ranges = Vec<(u32, u32)>;

const DIGITS: &[(u32, u32)] = &[(0x30, 0x39)];
const WORDS: &[(u32, u32)] = &[(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)];
const SPACES: &[(u32, u32)] = &[
    (0x09, 0x0D),
    (0x20, 0x20),
    (0xA0, 0xA0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x2028, 0x2029),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
    (0xFEFF, 0xFEFF),
];
const LINE_ENDS: &[(u32, u32)] = &[(0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029)];
const LAST: u32 = 0x10_FFFF;
/// Groups within groups.
const MAX_DEPTH: usize = 40;

impl Parser {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += 1;
        Some(character)
    }

    fn take(&mut self, text: &str) -> bool {
        let matches = text
            .chars()
            .enumerate()
            .all(|(offset, wanted)| self.characters.get(self.at + offset) == Some(&wanted));
        if matches {
            self.at += text.chars().count();
        }
        matches
    }

    fn disjunction(&mut self) -> Result<(), Failure> {
        while let Some(character) = self.peek() {
            match character {
                ')' => break,
                '|' => {
                    self.at += 1;
                    self.out.push('|');
                }
                _ => self.term()?,
            }
        }
        Ok(())
    }

    fn term(&mut self) -> Result<(), Failure> {
        let Some(character) = self.next() else { return Ok(()) };
        match character {
            '^' | '$' => {
                self.out.push(character);
                return self.no_quantifier();
            }
            '\\' if self.take("b") => {
                self.out.push_str(r"\b");
                return self.no_quantifier();
            }
            '\\' if self.peek() == Some('B') => {
                return Err(Failure::Unsupported(r"`\B`, which is not supported"));
            }
            '\\' => {
                let ranges = self.escape(false)?;
                self.class(&ranges, false);
            }
            '(' => self.group()?,
            '[' => self.bracket()?,
            '.' => self.class(LINE_ENDS, true),
            '*' | '+' | '?' => return Err(Failure::Invalid),
            '{' => {
                if self.braces().is_some() {
                    return Err(Failure::Invalid);
                }
                self.literal('{');
            }
            other => self.literal(other),
        }
        self.quantifier()
    }

    /// Assertions cannot be repeated.
    fn no_quantifier(&mut self) -> Result<(), Failure> {
        let before = self.at;
        let repeated = match self.next() {
            Some('*' | '+' | '?') => true,
            Some('{') => self.braces().is_some(),
            _ => false,
        };
        self.at = before;
        if repeated { Err(Failure::Invalid) } else { Ok(()) }
    }

    fn quantifier(&mut self) -> Result<(), Failure> {
        let before = self.at;
        match self.next() {
            Some(sign @ ('*' | '+' | '?')) => self.out.push(sign),
            Some('{') => match self.braces() {
                Some((least, most)) => {
                    if most.is_some_and(|most| most < least) {
                        return Err(Failure::Invalid);
                    }
                    let written = match most {
                        Some(most) if most == least => write!(self.out, "{{{least}}}"),
                        Some(most) => write!(self.out, "{{{least},{most}}}"),
                        None => write!(self.out, "{{{least},}}"),
                    };
                    written.map_err(|_| Failure::Invalid)?;
                }
                None => {
                    self.at = before;
                    return Ok(());
                }
            },
            _ => {
                self.at = before;
                return Ok(());
            }
        }
        // Which match is found does not matter, only whether there is one.
        self.take("?");
        let before = self.at;
        let again = match self.next() {
            Some('*' | '+' | '?') => true,
            Some('{') => self.braces().is_some(),
            _ => false,
        };
        self.at = before;
        if again { Err(Failure::Invalid) } else { Ok(()) }
    }

    /// What stands behind `{`, if it is `n}`, `n,}` or `n,m}`; else nothing is read.
    fn braces(&mut self) -> Option<(u32, Option<u32>)> {
        let before = self.at;
        let parsed = (|| {
            let least = self.number()?;
            if self.take("}") {
                return Some((least, Some(least)));
            }
            if !self.take(",") {
                return None;
            }
            if self.take("}") {
                return Some((least, None));
            }
            let most = self.number()?;
            self.take("}").then_some((least, Some(most)))
        })();
        if parsed.is_none() {
            self.at = before;
        }
        parsed
    }

    fn number(&mut self) -> Option<u32> {
        let mut value: Option<u32> = None;
        while let Some(digit) = self.peek().and_then(|character| character.to_digit(10)) {
            self.at += 1;
            value = Some(value.unwrap_or(0).saturating_mul(10).saturating_add(digit));
        }
        value
    }

    fn group(&mut self) -> Result<(), Failure> {
        if self.take("?:") {
        } else if self.take("?=") || self.take("?!") || self.take("?<=") || self.take("?<!") {
            return Err(Failure::Unsupported("a look-around, which is not linear in time"));
        } else if self.take("?<") {
            let mut length = 0;
            loop {
                match self.next() {
                    Some('>') if length > 0 => break,
                    Some(letter) if letter.is_alphanumeric() || matches!(letter, '_' | '$') => {
                        length += 1
                    }
                    _ => return Err(Failure::Unsupported("a group of an unusual name")),
                }
            }
        } else if self.take("?") {
            return Err(Failure::Unsupported("a group that not every engine reads alike"));
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Failure::Unsupported("groups that nest too deep"));
        }
        self.out.push_str("(?:");
        self.disjunction()?;
        if self.next() != Some(')') {
            return Err(Failure::Invalid);
        }
        self.out.push(')');
        self.depth -= 1;
        Ok(())
    }

    fn bracket(&mut self) -> Result<(), Failure> {
        let negated = self.take("^");
        let mut ranges = Ranges::new();
        loop {
            if self.peek() == Some(']') {
                self.at += 1;
                break;
            }
            let first = self.class_atom()?;
            let Some(low) = single(&first) else {
                ranges.extend(first);
                continue;
            };
            if self.peek() != Some('-') || self.characters.get(self.at + 1) == Some(&']') {
                ranges.extend(first);
                continue;
            }
            self.at += 1;
            let second = self.class_atom()?;
            match single(&second) {
                Some(high) if high < low => return Err(Failure::Invalid),
                Some(high) => ranges.push((low, high)),
                None => {
                    ranges.push((low, low));
                    ranges.push((0x2D, 0x2D));
                    ranges.extend(second);
                }
            }
        }
        // To JavaScript it is two halves, of which the class holds each.
        if self.beyond {
            return Err(Failure::Unsupported("a character beyond U+FFFF in a class"));
        }
        self.class(&ranges, negated);
        Ok(())
    }

    fn class_atom(&mut self) -> Result<Ranges, Failure> {
        match self.next() {
            None => Err(Failure::Invalid),
            Some('\\') => self.escape(true),
            Some(character) => {
                self.beyond |= character as u32 > 0xFFFF;
                Ok(one(character))
            }
        }
    }

    /// What the escape behind a backslash stands for.
    fn escape(&mut self, in_class: bool) -> Result<Ranges, Failure> {
        let Some(character) = self.next() else { return Err(Failure::Invalid) };
        Ok(match character {
            'd' => DIGITS.into(),
            'D' => complement(DIGITS),
            'w' => WORDS.into(),
            'W' => complement(WORDS),
            's' => SPACES.into(),
            'S' => complement(SPACES),
            't' => one('\t'),
            'n' => one('\n'),
            'v' => one('\u{B}'),
            'f' => one('\u{C}'),
            'r' => one('\r'),
            'b' if in_class => one('\u{8}'),
            '0' if !self.peek().is_some_and(|next| next.is_ascii_digit()) => one('\0'),
            '0'..='9' => return Err(Failure::Unsupported("a back reference or an octal number")),
            'c' => match self.peek() {
                Some(letter) if letter.is_ascii_alphabetic() => {
                    self.at += 1;
                    Vec::from([(letter as u32 % 32, letter as u32 % 32)])
                }
                _ => return Err(Failure::Unsupported(r"a lone `\c`")),
            },
            'k' if self.named => return Err(Failure::Unsupported("a back reference")),
            'x' => self.hexadecimal(2).map_or_else(|| Ok(one('x')), unit)?,
            'u' => self.hexadecimal(4).map_or_else(|| Ok(one('u')), unit)?,
            other => one(other),
        })
    }

    fn hexadecimal(&mut self, count: usize) -> Option<u32> {
        let digits: String = self.characters.get(self.at..self.at + count)?.iter().collect();
        let valid = digits.chars().all(|digit| digit.is_ascii_hexdigit());
        let value = u32::from_str_radix(&digits, 16).ok().filter(|_| valid)?;
        self.at += count;
        Some(value)
    }

    fn literal(&mut self, character: char) {
        self.class(&one(character), false);
    }

    /// Writes a class, or the one character that it holds.
    fn class(&mut self, ranges: &[(u32, u32)], negated: bool) {
        let mut ranges: Ranges = ranges.into();
        if self.ignore_case {
            ranges = folded(&ranges);
        }
        if negated {
            ranges = complement(&ranges);
        }
        if let Some(character) = single(&ranges).and_then(char::from_u32) {
            if character.is_ascii_alphanumeric() || " -_/@:,;=!%<>\"'".contains(character) {
                self.out.push(character);
                return;
            }
            if character.is_ascii_punctuation() {
                self.out.push('\\');
                self.out.push(character);
                return;
            }
        }
        if ranges.is_empty() {
            // Nothing is in it.
            self.out.push_str(r"[^\x{0}-\x{10FFFF}]");
            return;
        }
        self.out.push('[');
        for (low, high) in ranges {
            self.code(low);
            if high > low {
                self.out.push('-');
                self.code(high);
            }
        }
        self.out.push(']');
    }

    /// One end of a range within a class.
    fn code(&mut self, code: u32) {
        match char::from_u32(code).filter(char::is_ascii_alphanumeric) {
            Some(character) => self.out.push(character),
            None => self.out.push_str(&format!(r"\x{{{code:X}}}")),
        }
    }
}

fn one(character: char) -> Ranges {
    Vec::from([(character as u32, character as u32)])
}

/// A code unit that is a character by itself.
fn unit(code: u32) -> Result<Ranges, Failure> {
    match char::from_u32(code) {
        Some(character) => Ok(one(character)),
        None => Err(Failure::Unsupported("half of a surrogate pair")),
    }
}

fn single(ranges: &[(u32, u32)]) -> Option<u32> {
    match ranges {
        [(low, high)] if low == high => Some(*low),
        _ => None,
    }
}

/// Everything else, surrogates left out.
fn complement(ranges: &[(u32, u32)]) -> Ranges {
    let mut sorted: Ranges = ranges.into();
    sorted.push((0xD800, 0xDFFF));
    sorted.sort_unstable();
    let mut rest = Ranges::new();
    let mut from = 0;
    for (low, high) in sorted {
        if low > from {
            rest.push((from, low - 1));
        }
        from = from.max(high + 1);
    }
    if from <= LAST {
        rest.push((from, LAST));
    }
    rest
}

/// The ranges and every character that JavaScript takes for one of theirs without regard to case.
fn folded(ranges: &[(u32, u32)]) -> Ranges {
    let inside = |code: u32| ranges.iter().any(|(low, high)| (*low..=*high).contains(&code));
    let wanted: BTreeSet<char> =
        ('\0'..='\u{FFFF}').filter(|character| inside(*character as u32)).map(canonical).collect();
    let mut folded: Ranges = ranges.into();
    for character in '\0'..='\u{FFFF}' {
        if !inside(character as u32) && wanted.contains(&canonical(character)) {
            folded.push((character as u32, character as u32));
        }
    }
    folded.sort_unstable();
    folded
}

/// `Canonicalize` without the flag `u`: the upper case if it is one character, and no ASCII one for others.
fn canonical(character: char) -> char {
    let mut upper = character.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) if character.is_ascii() || !upper.is_ascii() => upper,
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn translates_what_people_write() {
        for (pattern, expected) in [
            ("-12-25$", "-12-25$"),
            ("(Mobile|Tablet)", "(?:Mobile|Tablet)"),
            (r"^\d+\.\d*?$", r"^[0-9]+\.[0-9]*$"),
            ("a{2,}b{3}", "a{2,}b{3}"),
            ("a{,2}", r"a\{,2\}"),
            ("[^/]*", r"[\x{0}-\x{2E}0-\x{D7FF}\x{E000}-\x{10FFFF}]*"),
            (r"[\w-]", r"[0-9A-Z\x{5F}a-z\x{2D}]"),
            ("]", r"\]"),
            (r"a\/b", "a/b"),
        ] {
            assert_eq!(of_javascript(pattern, false), Ok(Some(expected.into())), "{pattern}");
        }
        assert_eq!(of_javascript("kΣ", true), Ok(Some(r"[Kk][\x{3A3}\x{3C2}\x{3C3}]".into())));
    }

    #[test]
    fn what_javascript_throws_at_matches_nothing() {
        for pattern in
            ["/???***[)", "(", ")", "[", "a**", "^*", "{1}", "a{2,1}", "[b-a]", r"\", "(?:a"]
        {
            assert_eq!(of_javascript(pattern, false), Ok(None), "{pattern}");
        }
    }

    #[test]
    fn knows_which_patterns_are_about_numbers() {
        for (pattern, expected) in [
            ("pro", Some(false)),
            ("^[0-9]+x$", Some(false)),
            ("x*", Some(true)),
            ("[^a-z]", Some(true)),
            ("5", None),
            ("^.$", None),
            ("(?:a|1)", None),
            ("(?:a|b)", Some(false)),
        ] {
            assert_eq!(on_numbers(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn refuses_what_is_not_linear() {
        for pattern in ["(?=a)", "(?<!a)b", r"(a)\1", r"a\B", "(?i:a)"] {
            assert!(of_javascript(pattern, false).is_err(), "{pattern}");
        }
    }
}
