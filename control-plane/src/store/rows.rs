//! Several rows in one statement: most of what a row costs is the way of its statement to the database and back.

/// Rows that one statement writes at most: with their columns they stay well below the 32,766 values that SQLite takes.
pub(super) const AT_ONCE: usize = 100;

/// The places of the values of so many rows of so many columns: `($1, $2), ($3, $4)`.
pub(super) fn places(rows: usize, columns: usize) -> String {
    let row = |row: usize| format!("({})", list(row * columns + 1, columns));
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

/// So many places from the `first` on: `$2, $3`.
pub(super) fn list(first: usize, count: usize) -> String {
    (first..first + count).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_on_from_row_to_row() {
        assert_eq!(places(1, 1), "($1)");
        assert_eq!(places(3, 2), "($1, $2), ($3, $4), ($5, $6)");
        assert_eq!(list(2, 3), "$2, $3, $4");
    }
}
