//! Writing a context: the encoding of core/spec/snapshot.md section 6.

use alloc::vec::Vec;

use super::{Context, ContextError, TARGETING_KEY, tag};

/// Writes attributes one by one and makes a [`Context`] of them.
#[derive(Clone, Debug, Default)]
pub struct ContextBuilder {
    bytes: Vec<u8>,
}

impl ContextBuilder {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn targeting_key(self, key: &str) -> Self {
        self.string(TARGETING_KEY, key)
    }

    pub fn string(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        self.text(value);
        self
    }

    pub fn number(mut self, name: &str, value: f64) -> Self {
        self.name(name);
        self.bytes.push(tag::NUMBER);
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub fn boolean(mut self, name: &str, value: bool) -> Self {
        self.name(name);
        self.bytes.push(if value { tag::TRUE } else { tag::FALSE });
        self
    }

    /// # Errors
    /// Which limit is exceeded, or that a name stands twice.
    pub fn finish(self) -> Result<Context, ContextError> {
        Context::decode(&self.bytes)
    }

    pub(super) fn name(&mut self, name: &str) {
        // A longer name is cut here and refused by `decode`, whose limit is far below 65,535.
        let name = name.as_bytes();
        let length = u16::try_from(name.len()).unwrap_or(u16::MAX);
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(name.get(..usize::from(length)).unwrap_or(name));
    }

    pub(super) fn text(&mut self, value: &str) {
        self.bytes.push(tag::STRING);
        self.length(value.len());
        self.bytes.extend_from_slice(value.as_bytes());
    }

    fn length(&mut self, length: usize) {
        self.bytes.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    }

    #[cfg(any(feature = "compile", feature = "protocol"))]
    pub(super) fn tag(&mut self, tag: u8) {
        self.bytes.push(tag);
    }

    #[cfg(any(feature = "compile", feature = "protocol"))]
    pub(super) fn number_value(&mut self, value: f64) {
        self.bytes.push(tag::NUMBER);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Writes what `inside` writes behind its 32-bit length.
    #[cfg(any(feature = "compile", feature = "protocol"))]
    pub(super) fn container(
        &mut self,
        tag: u8,
        inside: impl FnOnce(&mut Self) -> Result<(), ContextError>,
    ) -> Result<(), ContextError> {
        self.bytes.push(tag);
        let at = self.bytes.len();
        self.length(0);
        inside(self)?;
        let length = u32::try_from(self.bytes.len() - at - 4).unwrap_or(u32::MAX);
        if let Some(place) = self.bytes.get_mut(at..at + 4) {
            place.copy_from_slice(&length.to_le_bytes());
        }
        Ok(())
    }
}
