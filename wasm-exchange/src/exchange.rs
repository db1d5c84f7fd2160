//! How bytes cross: through one buffer, so that every function takes and returns numbers alone and JavaScript needs none of
//! wasm-bindgen's own code.

use alloc::vec;
use alloc::vec::Vec;

use wasm_bindgen::prelude::wasm_bindgen;

/// Room for a context of the largest size.
const MAX_KEPT_BYTES: usize = 64 * 1024;

/// A buffer in the module's memory. JavaScript fills it for a function that takes it, and reads from it what a function put there.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Exchange {
    /// Those from `length` on are left over.
    bytes: Vec<u8>,
    length: usize,
}

#[wasm_bindgen]
impl Exchange {
    pub fn create() -> Self {
        Self { bytes: Vec::new(), length: 0 }
    }

    /// Makes the buffer `length` bytes long, for the caller to write, and answers where it lies.
    pub fn resize(&mut self, length: usize) -> *const u8 {
        self.clear();
        if self.bytes.len() < length {
            // Fresh memory is zero already: for a whole body, filling it would take longer than opening it.
            self.bytes = vec![0; length];
        }
        self.length = length;
        self.address()
    }

    /// Where the buffer lies until the next call of anything.
    pub fn address(&self) -> *const u8 {
        self.bytes.as_ptr()
    }

    pub fn length(&self) -> usize {
        self.length
    }
}

impl Exchange {
    /// What JavaScript wrote.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// The same, if it is UTF-8.
    pub fn text(&self) -> Option<&str> {
        str::from_utf8(self.bytes()).ok()
    }

    /// Takes the buffer away, for who keeps it.
    pub fn take(&mut self) -> Vec<u8> {
        let mut bytes = core::mem::take(&mut self.bytes);
        bytes.truncate(self.length);
        self.length = 0;
        bytes
    }

    /// Makes the buffer `length` bytes long, for Rust to write and JavaScript to read.
    pub fn room(&mut self, length: usize) -> &mut [u8] {
        self.resize(length);
        self.bytes.get_mut(..length).unwrap_or_default()
    }

    /// Puts bytes there for JavaScript to read.
    pub fn put(&mut self, bytes: &[u8]) {
        self.clear();
        self.add(bytes);
    }

    /// Empties the buffer. A large one, of a whole body, goes back to the allocator.
    fn clear(&mut self) {
        if self.bytes.len() > MAX_KEPT_BYTES {
            self.bytes = Vec::new();
        }
        self.length = 0;
    }

    /// Puts more behind what was put.
    pub fn add(&mut self, bytes: &[u8]) {
        self.bytes.truncate(self.length);
        self.bytes.extend_from_slice(bytes);
        self.length = self.bytes.len();
    }
}
