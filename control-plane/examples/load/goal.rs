//! What a figure is to reach, beside it in the table.

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    None,
    Below(f64),
    Above(f64),
}

impl Goal {
    /// The rest of the figure's cell.
    pub(crate) fn beside(self, figure: f64) -> String {
        let (text, reached) = match self {
            Self::None => return String::new(),
            Self::Below(bound) => (format!(" to reach: < {bound}"), figure < bound),
            Self::Above(bound) => (format!(" to reach: > {bound}"), figure > bound),
        };
        text + if reached { "" } else { " NOT REACHED" }
    }
}
