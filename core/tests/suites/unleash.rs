//! Unleash: github.com/Unleash/client-specification.

use std::error::Error;
use std::path::Path;

use crate::frame::Suite;

pub(crate) fn suite(_folder: &Path) -> Result<Suite, Box<dyn Error>> {
    Ok(Suite::new("unleash"))
}
