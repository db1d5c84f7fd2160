//! The floor: what these very workloads cost when nothing is general. Attributes are numbers in an array, lists are sets of bits,
//! versions are numbers, flags are found by position; the split alone is done as it has to be, by SipHash-2-4 over the user's id.

use std::collections::{BTreeMap, HashSet};
use std::error::Error;
use std::hint::black_box;

use siphasher::sip::SipHasher24;

use crate::Row;
use crate::clock::Measure;

const ATTRIBUTES: [&str; 9] =
    ["country", "language", "city", "plan", "platform", "appVersion", "email", "age", "sessions"];
const PASS: usize = 1_000;

#[derive(Clone, Copy)]
enum Test {
    Equals(u32),
    /// One bit for each word of the attribute.
    Among([u64; 4]),
    Above(u32),
}

#[derive(Clone, Copy)]
struct Condition {
    attribute: usize,
    test: Test,
}

struct Flag {
    salt: [u8; 16],
    conditions: Vec<Condition>,
    cuts: Vec<u64>,
}

struct Context {
    user: String,
    attributes: [u32; ATTRIBUTES.len()],
}

#[derive(Default)]
pub(crate) struct Floor {
    flags: Vec<Flag>,
    contexts: Vec<Context>,
    listed: HashSet<String>,
    /// The number of each word of an attribute.
    words: BTreeMap<(usize, String), u32>,
}

impl Floor {
    /// Reads the lines that core/examples/workload describes.
    pub(crate) fn read(text: &str) -> Result<Self, Box<dyn Error>> {
        let mut floor = Self::default();
        for line in text.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            match fields[..] {
                ["flag", _, salt] => floor.flags.push(Flag {
                    salt: u128::from_str_radix(salt, 16)?.to_be_bytes(),
                    conditions: Vec::new(),
                    cuts: Vec::new(),
                }),
                ["when", attribute, operator, ref values @ ..] => {
                    let condition = floor.condition(attribute, operator, values)?;
                    floor
                        .flags
                        .last_mut()
                        .ok_or("a rule without a flag")?
                        .conditions
                        .push(condition);
                }
                ["split", ref weights @ ..] => {
                    let flag = floor.flags.last_mut().ok_or("a split without a flag")?;
                    let mut sum = 0u64;
                    for weight in weights {
                        sum += weight.parse::<u64>()?;
                        flag.cuts.push((sum << 32) / 100_000);
                    }
                }
                ["listed", key] => drop(floor.listed.insert(key.to_owned())),
                ["context", ref attributes @ ..] => floor.context(attributes)?,
                _ => return Err(format!("what is this line? {line}").into()),
            }
        }
        Ok(floor)
    }

    fn word(&mut self, attribute: usize, word: &str) -> u32 {
        let next = self.words.keys().filter(|(of, _)| *of == attribute).count() as u32;
        *self.words.entry((attribute, word.to_owned())).or_insert(next)
    }

    /// A value as a number of its attribute.
    fn value(&mut self, attribute: usize, text: &str) -> Result<u32, Box<dyn Error>> {
        Ok(match ATTRIBUTES[attribute] {
            "age" | "sessions" => text.parse::<f64>()? as u32,
            "appVersion" => {
                let parts: Result<Vec<u32>, _> = text.split('.').map(str::parse).collect();
                parts?.into_iter().fold(0, |version, part| version << 10 | part)
            }
            "email" => {
                let domain = text.find('@').and_then(|at| text.get(at..)).ok_or("no domain")?;
                self.word(attribute, domain)
            }
            _ => self.word(attribute, text),
        })
    }

    fn condition(
        &mut self,
        name: &str,
        operator: &str,
        values: &[&str],
    ) -> Result<Condition, Box<dyn Error>> {
        let attribute = ATTRIBUTES.iter().position(|known| *known == name).ok_or("no attribute")?;
        let numbers: Result<Vec<u32>, _> =
            values.iter().map(|value| self.value(attribute, value)).collect();
        let (numbers, test) = (numbers?, operator);
        let test = match (test, &numbers[..]) {
            ("equals" | "ends_with", [number]) => Test::Equals(*number),
            ("number" | "semver", [number]) => Test::Above(*number),
            ("in", numbers) => {
                let mut bits = [0u64; 4];
                for number in numbers {
                    bits[*number as usize / 64] |= 1 << (number % 64);
                }
                Test::Among(bits)
            }
            _ => return Err(format!("the floor has no {operator}").into()),
        };
        Ok(Condition { attribute, test })
    }

    fn context(&mut self, fields: &[&str]) -> Result<(), Box<dyn Error>> {
        let mut context = Context { user: String::new(), attributes: [0; ATTRIBUTES.len()] };
        for pair in fields.chunks_exact(2) {
            match ATTRIBUTES.iter().position(|known| *known == pair[0]) {
                Some(attribute) => {
                    context.attributes[attribute] = self.value(attribute, pair[1])?
                }
                None => context.user = pair[1].to_owned(),
            }
        }
        self.contexts.push(context);
        Ok(())
    }

    /// The variant of a typical flag for a context.
    pub(crate) fn typical(&self, flag: usize, context: usize) -> &'static str {
        ["r0", "r1", "r2", "v0", "v1", "v2", "v3"]
            [serve(&self.flags[flag], &self.contexts[context])]
    }

    /// Whether the segment lists the context's user.
    pub(crate) fn listed(&self, context: usize) -> bool {
        self.listed.contains(&*self.contexts[context].user)
    }

    pub(crate) fn rows<'a>(&'a self, pairs: &'a [(usize, usize)]) -> Vec<Row<'a>> {
        let row = |name, count: usize, pass: Box<dyn Fn() + 'a>| Row {
            name,
            about: "",
            must_not_allocate: true,
            measure: Measure { pass, count },
        };
        vec![
            row(
                "W2",
                pairs.len(),
                Box::new(move || {
                    for (flag, context) in pairs {
                        black_box(serve(&self.flags[*flag], &self.contexts[*context]));
                    }
                }),
            ),
            row(
                "W3",
                PASS,
                Box::new(move || {
                    for round in 0..PASS {
                        black_box(self.listed(round * 7 % self.contexts.len()));
                    }
                }),
            ),
            row(
                "W4",
                self.flags.len() * 10,
                Box::new(move || {
                    for round in 0..10 {
                        let context = &self.contexts[round * 7 % self.contexts.len()];
                        for flag in &self.flags {
                            black_box(serve(flag, context));
                        }
                    }
                }),
            ),
        ]
    }
}

/// The position of what is served: three rules of two conditions, then the parts of the split.
fn serve(flag: &Flag, context: &Context) -> usize {
    let holds = |condition: &Condition| {
        let value = context.attributes[condition.attribute];
        match condition.test {
            Test::Equals(wanted) => value == wanted,
            Test::Among(bits) => (bits[(value as usize / 64) & 3] >> (value % 64)) & 1 == 1,
            Test::Above(bound) => value > bound,
        }
    };
    let rules = flag.conditions.chunks_exact(2);
    for (position, rule) in rules.enumerate() {
        if rule.iter().all(holds) {
            return position;
        }
    }
    let bucket = SipHasher24::new_with_key(&flag.salt).hash(context.user.as_bytes()) >> 32;
    3 + flag.cuts.iter().position(|cut| bucket < *cut).unwrap_or(0)
}
