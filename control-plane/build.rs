//! Has cargo look at the folder that the program embeds: a macro notices changed files by itself, but no new ones.

fn main() {
    println!("cargo:rerun-if-changed=embedded");
}
