//! What changed between two states of an object, as a list of entries that people and programs can read.
//!
//! It is generic over the documents' JSON, so that a field that is new in the format is compared from its first day; what is known of the
//! format is only which lists have items with a name ([`identity`]) and which values are better told as a whole ([`is_whole`]). Nothing
//! is lost: the entries applied to the first document give the second (the tests do that), so no entries mean equal documents. An empty list
//! and one that is left out are the same.

mod lists;
mod sentence;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// What happened at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "DifferenceKind")]
pub enum Kind {
    /// A field or an item is new: `after`, an item at `position`.
    Added,
    /// A field or an item is gone: `before`.
    Removed,
    /// The value is another one: `before` and `after`.
    Changed,
    /// An item stands at another place of its list: positions `before` and `after`, from 0.
    Moved,
    /// Texts that were put at the end of a list of texts: `after` lists them.
    KeysAdded,
    /// Texts that were taken out of a list of texts: `before` lists them.
    KeysRemoved,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Difference")]
pub struct Entry {
    /// A JSON Pointer, in which items of lists that have names (rules, variants, targets, ...) are named, not numbered.
    pub path: String,
    pub kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Of an added item, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<usize>,
    /// The same in words, with rules counted from 1.
    pub sentence: String,
}

/// One part of a path.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Field(String),
    Item {
        /// What distinguishes it from the other items: a rule's id, a variant's key, else its number.
        name: String,
        /// What people call it.
        label: String,
        /// From 1, in the newer list; of a removed one in the older.
        number: usize,
    },
}

/// What changed from one document to the other.
pub fn diff(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<Entry> {
    let mut walk = Walk::default();
    walk.fields(before, after);
    walk.entries
}

/// The same when one of them may not be there.
pub fn diff_optional(before: Option<&Value>, after: Option<&Value>) -> Vec<Entry> {
    let mut walk = Walk::default();
    match (before, after) {
        (None, None) => {}
        (Some(Value::Object(before)), Some(Value::Object(after))) => walk.fields(before, after),
        (Some(before), Some(after)) => walk.value(before, after),
        (None, Some(after)) => walk.push(Kind::Added, None, Some(after.clone()), None),
        (Some(before), None) => walk.push(Kind::Removed, Some(before.clone()), None, None),
    }
    walk.entries
}

#[derive(Default)]
struct Walk {
    path: Vec<Step>,
    entries: Vec<Entry>,
}

impl Walk {
    fn within(&mut self, step: Step, inside: impl FnOnce(&mut Self)) {
        self.path.push(step);
        inside(self);
        self.path.pop();
    }

    fn push(
        &mut self,
        kind: Kind,
        before: Option<Value>,
        after: Option<Value>,
        position: Option<usize>,
    ) {
        let sentence = sentence::of(&self.path, kind, before.as_ref(), after.as_ref());
        let path = pointer(&self.path);
        self.entries.push(Entry { path, kind, before, after, position, sentence });
    }

    fn changed(&mut self, before: &Value, after: &Value) {
        self.push(Kind::Changed, Some(before.clone()), Some(after.clone()), None);
    }

    fn fields(&mut self, before: &Map<String, Value>, after: &Map<String, Value>) {
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            let (old, new) = (before.get(name), after.get(name));
            self.within(Step::Field(name.clone()), |walk| match (old, new) {
                (Some(old), Some(new)) => walk.value(old, new),
                // Documents leave out lists that are empty.
                (None, Some(Value::Array(new))) if is_left_out(name, new) => walk.list(&[], new),
                (Some(Value::Array(old)), None) if is_left_out(name, old) => walk.list(old, &[]),
                (None, Some(new)) => walk.push(Kind::Added, None, Some(new.clone()), None),
                (Some(old), None) => walk.push(Kind::Removed, Some(old.clone()), None, None),
                (None, None) => {}
            });
        }
    }

    fn value(&mut self, before: &Value, after: &Value) {
        if before == after {
            return;
        }
        match (before, after) {
            _ if self.is_whole(before, after) => self.changed(before, after),
            (Value::Object(before), Value::Object(after)) => self.fields(before, after),
            (Value::Array(old), Value::Array(new)) => self.list(old, new),
            _ => self.changed(before, after),
        }
    }

    /// Whether a difference here is told as one: values of variants, weights, steps, operators, and a choice that became another choice.
    fn is_whole(&self, before: &Value, after: &Value) -> bool {
        let Some(Step::Field(field)) = self.path.last() else {
            return self.in_condition() && !same_group(before, after);
        };
        match field.as_str() {
            "value" | "weights" | "steps" => true,
            "serve" | "fallthrough" => choice(before) != choice(after),
            _ => self.in_condition() && is_node(field) && !same_group(before, after),
        }
    }

    fn in_condition(&self) -> bool {
        self.path.iter().any(|step| matches!(step, Step::Field(field) if field == "when"))
    }

    fn list(&mut self, before: &[Value], after: &[Value]) {
        let field = match self.path.last() {
            Some(Step::Field(field)) => field.clone(),
            _ => String::new(),
        };
        let named = |items: &[Value]| -> Option<Vec<(String, String)>> {
            let names: Vec<_> =
                items.iter().map(|item| identity(&field, item)).collect::<Option<_>>()?;
            let distinct: BTreeSet<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
            (distinct.len() == names.len()).then_some(names)
        };
        if let (Some(old), Some(new)) = (named(before), named(after)) {
            self.named_items(before, &old, after, &new);
        } else if let Some((removed, added)) = lists::keys(before, after) {
            if !removed.is_empty() {
                self.push(Kind::KeysRemoved, Some(Value::Array(removed)), None, None);
            }
            if !added.is_empty() {
                self.push(Kind::KeysAdded, None, Some(Value::Array(added)), None);
            }
        } else if before.iter().chain(after).all(Value::is_object) {
            self.numbered_items(before, after);
        } else {
            self.changed(&Value::Array(before.to_vec()), &Value::Array(after.to_vec()));
        }
    }

    fn named_items(
        &mut self,
        before: &[Value],
        old: &[(String, String)],
        after: &[Value],
        new: &[(String, String)],
    ) {
        let place = |names: &[(String, String)], name: &str| -> Option<usize> {
            names.iter().position(|(other, _)| other == name)
        };
        for (index, (name, label)) in old.iter().enumerate() {
            if place(new, name).is_none() {
                let step =
                    Step::Item { name: name.clone(), label: label.clone(), number: index + 1 };
                let gone = before[index].clone();
                self.within(step, |walk| walk.push(Kind::Removed, Some(gone), None, None));
            }
        }
        let kept: Vec<(usize, usize)> = new
            .iter()
            .enumerate()
            .filter_map(|(index, (name, _))| Some((place(old, name)?, index)))
            .collect();
        let still = lists::longest_rising(&kept.iter().map(|(from, _)| *from).collect::<Vec<_>>());
        for (index, (name, label)) in new.iter().enumerate() {
            let step = Step::Item { name: name.clone(), label: label.clone(), number: index + 1 };
            let from = kept.iter().position(|(_, to)| *to == index);
            self.within(step, |walk| match from {
                None => walk.push(Kind::Added, None, Some(after[index].clone()), Some(index)),
                Some(at) => {
                    let from = kept[at].0;
                    if !still.contains(&at) {
                        walk.push(Kind::Moved, Some(from.into()), Some(index.into()), None);
                    }
                    walk.value(&before[from], &after[index]);
                }
            });
        }
    }

    /// Items without names: what is equal at both ends stays, and what is between is compared one by one.
    fn numbered_items(&mut self, before: &[Value], after: &[Value]) {
        let (start, old_end, new_end) = lists::middle(before, after);
        let (old, new) = (&before[start..old_end], &after[start..new_end]);
        for index in 0..old.len().max(new.len()) {
            let number = start + index + 1;
            let name = (start + index).to_string();
            let step = Step::Item { label: name.clone(), name, number };
            self.within(step, |walk| match (old.get(index), new.get(index)) {
                (Some(old), Some(new)) => walk.value(old, new),
                (None, Some(new)) => {
                    walk.push(Kind::Added, None, Some(new.clone()), Some(number - 1));
                }
                (Some(old), None) => walk.push(Kind::Removed, Some(old.clone()), None, None),
                (None, None) => {}
            });
        }
    }
}

/// Whether a list that one of the documents has not is told item by item.
fn is_left_out(field: &str, items: &[Value]) -> bool {
    let lists = ["rules", "targets", "prerequisites", "included", "excluded"];
    !items.is_empty() && lists.contains(&field)
}

/// What tells an item of this list from the others, and what people call it. `None`: the list's items have no names.
fn identity(list: &str, item: &Value) -> Option<(String, String)> {
    let text = |field: &str| item.get(field).and_then(Value::as_str);
    match list {
        "rules" => {
            let id = text("id")?;
            let label = text("name").unwrap_or(if is_drawn(id) { "" } else { id });
            Some((id.to_owned(), label.to_owned()))
        }
        "variants" => text("key").map(|key| (key.to_owned(), key.to_owned())),
        "prerequisites" => text("flag").map(|key| (key.to_owned(), key.to_owned())),
        "targets" => {
            let variant = text("variant")?;
            let mut name = variant.to_owned();
            if let Some(unit) = text("unit") {
                name = format!("{name} by {unit}");
            }
            if let Some(expires) = item.get("expires") {
                name = format!("{name} until {expires}");
            }
            Some((name, variant.to_owned()))
        }
        _ => None,
    }
}

/// Whether an id is one that was drawn, which nobody wants to read.
fn is_drawn(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The one field of an object that stands for a choice.
fn choice(value: &Value) -> Option<&str> {
    let fields = value.as_object()?;
    let mut names = fields.keys();
    let first = names.next()?;
    names.next().is_none().then_some(first.as_str())
}

/// Whether a field of a condition holds conditions.
fn is_node(field: &str) -> bool {
    matches!(field, "when" | "not")
}

/// Whether both conditions are the same kind of group, so that the difference is in one of their children.
fn same_group(before: &Value, after: &Value) -> bool {
    let group = choice(before);
    group == choice(after) && matches!(group, Some("all" | "any" | "not"))
}

/// The path as a JSON Pointer.
fn pointer(path: &[Step]) -> String {
    path.iter()
        .map(|step| {
            let (Step::Field(name) | Step::Item { name, .. }) = step;
            format!("/{}", name.replace('~', "~0").replace('/', "~1"))
        })
        .collect()
}
