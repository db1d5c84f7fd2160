//! Every target over its kept inputs, over what a simple mutator makes of them, and over random bytes: any bytes whatsoever. What
//! coverage leads to is found by `cargo xtask fuzz`, and kept in `corpus`.
//!
//! PENNON_ROUNDS=n mutates n times as often.

use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use pennon_fuzz::{TARGETS, Target};

/// Of each target, in a round.
const MUTATIONS: usize = 1_500;
const RANDOM: usize = 500;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = Arguments::from_args();
    // What a call holds in memory is measured, and could not be told from what another thread holds.
    arguments.test_threads = Some(1);
    let rounds = match std::env::var("PENNON_ROUNDS") {
        Ok(text) => text.parse()?,
        Err(_) => 1,
    };
    let mut trials = Vec::new();
    for target in TARGETS {
        let corpus = corpus(target)?;
        let kept = corpus.clone();
        trials.push(Trial::test(format!("{}: kept inputs", target.name), move || {
            for path in &kept {
                target.run(&fs::read(path)?);
            }
            Ok(())
        }));
        trials.push(Trial::test(format!("{}: any bytes whatsoever", target.name), move || {
            any_bytes(target, &corpus, rounds)
        }));
    }
    libtest_mimic::run(&arguments, trials).exit()
}

fn corpus(target: &Target) -> Result<Vec<PathBuf>, Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    let entries =
        fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<_> =
        entries.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    paths.sort();
    if paths.is_empty() {
        return Err(format!("{} is empty", folder.display()).into());
    }
    Ok(paths)
}

fn any_bytes(target: &Target, corpus: &[PathBuf], rounds: usize) -> Result<(), Failed> {
    let mut random = Random(target.name.bytes().map(u64::from).sum());
    let inputs: Vec<Vec<u8>> = corpus.iter().map(fs::read).collect::<Result<_, _>>()?;
    for _ in 0..rounds * MUTATIONS {
        let other = &inputs[random.below(inputs.len())];
        let mut input = inputs[random.below(inputs.len())].clone();
        for _ in 0..1 + random.below(4) {
            mutate(&mut input, other, &mut random);
        }
        target.run(&input);
    }
    for _ in 0..rounds * RANDOM {
        let length = random.below(300);
        let input: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
        target.run(&input);
    }
    Ok(())
}

/// Numbers at the ends of their types, little-endian; big-endian fields read most of them alike.
const WORDS: [u32; 8] = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, u32::MAX];

fn mutate(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let end = at + random.below(16.min(input.len() - at) + 1);
    match random.below(6) {
        0 => input.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << random.below(8)),
        1 => input.iter_mut().skip(at).take(1).for_each(|byte| *byte = random.below(256) as u8),
        2 => drop(input.drain(at..end)),
        3 => {
            let from = random.below(other.len() + 1);
            let length = random.below(32.min(other.len() - from) + 1);
            drop(input.splice(at..end, other[from..from + length].to_vec()));
        }
        4 => {
            let word = WORDS[random.below(WORDS.len())].to_le_bytes();
            let bytes = &word[..1 + random.below(4)];
            input.iter_mut().skip(at).zip(bytes).for_each(|(byte, new)| *byte = *new);
        }
        _ => input.truncate(at),
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}
