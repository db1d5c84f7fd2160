//! Regular expressions of RE2 in our dialect. Both are linear in time and nearly one; where they differ the pattern is rewritten or refused.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use regex_syntax::ast::{self, Ast, ErrorKind, Visitor};

/// RE2 refuses more repetitions.
const MAX_REPETITIONS: u32 = 1_000;

/// None for what is no regular expression in RE2 either, which then matches nothing.
///
/// # Errors
/// What in the pattern means something else, or nothing, in one of the two dialects.
pub(crate) fn of_re2(pattern: &str, ignore_case: bool) -> Result<Option<String>, String> {
    let tree = match ast::parse::Parser::new().parse(pattern) {
        Ok(tree) => tree,
        Err(error) => {
            let escaped = error.span().start.offset;
            let digits = pattern.get(escaped..).unwrap_or_default().trim_start_matches('\\');
            return match error.kind() {
                ErrorKind::GroupUnclosed
                | ErrorKind::GroupUnopened
                | ErrorKind::UnsupportedLookAround
                | ErrorKind::RepetitionMissing
                | ErrorKind::ClassUnclosed
                | ErrorKind::ClassRangeInvalid
                | ErrorKind::EscapeUnexpectedEof => Ok(None),
                // `\0` and `\12` are octal there.
                ErrorKind::UnsupportedBackreference if octal(digits) => Err(unlike(pattern)),
                ErrorKind::UnsupportedBackreference => Ok(None),
                _ => Err(unlike(pattern)),
            };
        }
    };
    let mut places = ast::visit(&tree, Differences::default()).map_err(|()| unlike(pattern))?;
    places.sort_unstable();
    let mut rewritten = String::from(if ignore_case { "(?i)" } else { "" });
    let mut end = 0;
    for (from, to, text) in places {
        rewritten.push_str(pattern.get(end..from).unwrap_or_default());
        rewritten.push_str(text);
        end = to;
    }
    rewritten.push_str(pattern.get(end..).unwrap_or_default());
    Ok(Some(rewritten))
}

fn octal(digits: &str) -> bool {
    let mut digits = digits.bytes();
    digits.next() == Some(b'0') || digits.next().is_some_and(|second| second.is_ascii_digit())
}

fn unlike(pattern: &str) -> String {
    format!("the regular expression `{pattern}` has a part that not every engine reads alike")
}

/// What to write in place of what; an error where no rewriting helps.
#[derive(Default)]
struct Differences(Vec<(usize, usize, &'static str)>);

impl Differences {
    /// `\s` has no vertical tab there.
    fn class(&mut self, class: &ast::ClassPerl) {
        if class.kind == ast::ClassPerlKind::Space {
            let text = if class.negated { r"[^\t\n\x0C\r\x20]" } else { r"[\t\n\x0C\r\x20]" };
            self.0.push((class.span.start.offset, class.span.end.offset, text));
        }
    }
}

impl Visitor for Differences {
    type Output = Vec<(usize, usize, &'static str)>;
    type Err = ();

    fn finish(self) -> Result<Self::Output, ()> {
        Ok(self.0)
    }

    fn visit_pre(&mut self, node: &Ast) -> Result<(), ()> {
        let alike = match node {
            Ast::ClassPerl(class) => {
                self.class(class);
                true
            }
            Ast::Flags(flags) => known(&flags.flags),
            Ast::Group(group) => group.flags().is_none_or(known),
            Ast::Repetition(repetition) => {
                !matches!(*repetition.ast, Ast::Repetition(_)) && within_limit(&repetition.op.kind)
            }
            Ast::Assertion(assertion) => !matches!(
                assertion.kind,
                ast::AssertionKind::WordBoundaryStart
                    | ast::AssertionKind::WordBoundaryEnd
                    | ast::AssertionKind::WordBoundaryStartAngle
                    | ast::AssertionKind::WordBoundaryEndAngle
                    | ast::AssertionKind::WordBoundaryStartHalf
                    | ast::AssertionKind::WordBoundaryEndHalf
            ),
            Ast::Literal(literal) => known_literal(literal),
            _ => true,
        };
        if alike { Ok(()) } else { Err(()) }
    }

    fn visit_class_set_item_pre(&mut self, item: &ast::ClassSetItem) -> Result<(), ()> {
        match item {
            ast::ClassSetItem::Perl(class) => {
                self.class(class);
                Ok(())
            }
            // A class within a class is a bracket there.
            ast::ClassSetItem::Bracketed(_) => Err(()),
            ast::ClassSetItem::Literal(literal) if !known_literal(literal) => Err(()),
            _ => Ok(()),
        }
    }

    fn visit_class_set_binary_op_pre(&mut self, _: &ast::ClassSetBinaryOp) -> Result<(), ()> {
        Err(())
    }
}

/// `i`, `m`, `s` and `U`.
fn known(flags: &ast::Flags) -> bool {
    flags.items.iter().all(|item| {
        matches!(
            item.kind,
            ast::FlagsItemKind::Negation
                | ast::FlagsItemKind::Flag(
                    ast::Flag::CaseInsensitive
                        | ast::Flag::MultiLine
                        | ast::Flag::DotMatchesNewLine
                        | ast::Flag::SwapGreed
                )
        )
    })
}

fn within_limit(kind: &ast::RepetitionKind) -> bool {
    match kind {
        ast::RepetitionKind::Range(
            ast::RepetitionRange::Exactly(most)
            | ast::RepetitionRange::AtLeast(most)
            | ast::RepetitionRange::Bounded(_, most),
        ) => *most <= MAX_REPETITIONS,
        _ => true,
    }
}

/// `\u` is not known there.
fn known_literal(literal: &ast::Literal) -> bool {
    match &literal.kind {
        ast::LiteralKind::HexFixed(kind) | ast::LiteralKind::HexBrace(kind) => {
            *kind == ast::HexLiteralKind::X
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rewrites_or_refuses_what_differs() {
        for pattern in ["", "^a+$", r"\d{3}", "(?i)x|(?:y)", "[[:alpha:]]", "[]a]", r"\bcat\b"] {
            assert_eq!(of_re2(pattern, false), Ok(Some(pattern.into())), "{pattern}");
        }
        assert_eq!(of_re2(r"a\sb", true), Ok(Some(r"(?i)a[\t\n\x0C\r\x20]b".into())));
        for pattern in ["(regex", "^(?=a)b$", r"^(a)\1$", "*a", "[a", "a)", r"a\"] {
            assert_eq!(of_re2(pattern, false), Ok(None), "{pattern}");
        }
        for pattern in
            [r"\Qa\E", "a**", "[a&&b]", "[a[b]]", r"\u0041", "(?x)a b", r"\01", "a{1001}"]
        {
            assert!(of_re2(pattern, false).is_err(), "{pattern}");
        }
    }
}
