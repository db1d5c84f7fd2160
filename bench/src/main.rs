//! Measures the evaluator over the workloads that `cargo run -p pennon-core --example workload` wrote into a folder.
//!
//! `table FOLDER` prints times beside those of a hand-written floor, and allocations. `count FOLDER WORKLOAD` runs one workload a
//! fixed number of times inside of one function, for callgrind to count its instructions.

mod clock;
mod floor;
mod pennon;
mod workload;

use std::error::Error;
use std::path::Path;

use clock::Measure;
use floor::Floor;
use pennon::Pennon;
use workload::Workload;

/// Rounds of the table, in each of which every row is measured once.
const ROUNDS: usize = 15;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["table", folder] => table(&Workload::read(Path::new(folder))?),
        ["count", folder, name] => {
            let workload = Workload::read(Path::new(folder))?;
            let rounds = Pennon::open(&workload)?.count(name)?;
            println!("{rounds}");
            Ok(())
        }
        _ => Err("usage: pennon-bench table FOLDER | count FOLDER WORKLOAD".into()),
    }
}

/// What is measured of Pennon, and the row of the floor that does the same.
fn table(workload: &Workload) -> Result<(), Box<dyn Error>> {
    let pennon = Pennon::open(workload)?;
    let floor = Floor::read(&workload.floor)?;
    let agreed = pennon.agree(&floor)?;
    println!("{agreed} answers are the floor's too\n");

    let mut rows = pennon.rows();
    let floors = rows.len();
    rows.extend(floor.rows(&workload.pairs));
    let mut times = vec![Vec::with_capacity(ROUNDS); rows.len()];
    for _ in 0..ROUNDS {
        for (row, times) in rows.iter_mut().zip(&mut times) {
            times.push(row.time());
        }
    }
    let figures: Vec<(f64, f64)> = times
        .into_iter()
        .map(|mut times| {
            times.sort_by(f64::total_cmp);
            (times[0], times[times.len() / 2])
        })
        .collect();
    println!(
        "{:<44} {:>10} {:>10} {:>10} {:>10} {:>7} {:>6}",
        "native, ns of CPU time", "minimum", "median", "floor min", "floor med", "ratio", "allocs"
    );
    let mut allocated = Vec::new();
    for (at, row) in rows[..floors].iter().enumerate() {
        let (minimum, median) = figures[at];
        let floor = rows[floors..].iter().position(|floor| floor.name == row.name);
        let floor = floor.map(|position| figures[floors + position]);
        let (floor_minimum, floor_median, ratio) = match floor {
            Some((least, middle)) => {
                (format!("{least:.1}"), format!("{middle:.1}"), format!("{:.1}", minimum / least))
            }
            None => Default::default(),
        };
        let allocations = row.allocations();
        println!(
            "{:<44} {minimum:>10.1} {median:>10.1} {floor_minimum:>10} {floor_median:>10} {ratio:>7} {allocations:>6}",
            row.about
        );
        if row.must_not_allocate && allocations > 0 {
            allocated.push(row.about);
        }
    }
    if allocated.is_empty() {
        Ok(())
    } else {
        Err(format!("these allocate, and evaluations must not: {}", allocated.join(", ")).into())
    }
}

/// One row of the table.
struct Row<'a> {
    /// The same for a row of Pennon's and the floor's counterpart.
    name: &'static str,
    about: &'static str,
    must_not_allocate: bool,
    measure: Measure<'a>,
}

impl Row<'_> {
    /// Nanoseconds for one of what is measured.
    fn time(&mut self) -> f64 {
        self.measure.time()
    }

    /// Heap allocations in one pass.
    fn allocations(&self) -> u64 {
        allocation_counter::measure(|| (self.measure.pass)()).count_total
    }
}
