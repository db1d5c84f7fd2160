//! JSON written straight into a buffer, for answers of many flags: what is the same in each of them is copied, and most texts are.

use alloc::vec::Vec;

use serde::Serialize;

/// Appends a text in quotation marks.
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    let is_plain = |byte: &u8| *byte >= b' ' && *byte != b'"' && *byte != b'\\';
    if text.as_bytes().iter().all(is_plain) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        value(out, text);
    }
}

/// Appends whatever it is. Text keys and finite numbers, which always have a form.
pub(super) fn value(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    out.extend_from_slice(&serde_json::to_vec(value).unwrap_or_default());
}

/// Appends a comma unless this is the first entry.
pub(super) fn comma(out: &mut Vec<u8>, is_first: &mut bool) {
    if !core::mem::take(is_first) {
        out.push(b',');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_as_serde_json_writes_them() {
        let mut all: Vec<alloc::string::String> =
            (0..=0x17f).filter_map(char::from_u32).map(|one| alloc::format!("a{one}b")).collect();
        all.extend(["", "\"", "\\", "a\u{2028}b", "\u{1F600}", "</script>"].map(Into::into));
        for one in all {
            let mut out = Vec::new();
            text(&mut out, &one);
            assert_eq!(out, serde_json::to_vec(&one).unwrap(), "{one:?}");
        }
    }
}
