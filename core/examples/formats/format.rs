//! What is asked of every candidate, natively and in WebAssembly.

/// A way to lay out a body, and what opens and evaluates it.
pub(crate) trait Format {
    type Body;
    type Context;
    /// None for what is no body.
    fn open(bytes: Vec<u8>) -> Option<Self::Body>;
    /// None for what is no context.
    fn context(bytes: &[u8]) -> Option<Self::Context>;
    fn evaluate<'b>(
        body: &'b Self::Body,
        key: &str,
        context: &Self::Context,
        now: i64,
    ) -> Answer<'b>;
}

/// An outcome: every candidate must give the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Answer<'b> {
    pub value: Option<Value<'b>>,
    pub variant: Option<u8>,
    /// As `pennon_core::outcome::Reason` numbers them.
    pub reason: u8,
    /// As `pennon_core::outcome::ErrorCode` numbers them; 0 for none.
    pub error: u8,
    pub rule: Option<u16>,
    pub until: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'b> {
    Boolean(bool),
    Number(f64),
    /// A string, or a whole JSON text.
    Text(&'b str),
}

impl Answer<'_> {
    /// A number that tells answers apart: what the WebAssembly modules return.
    pub(crate) fn packed(&self) -> u32 {
        let value = match self.value {
            None => 0,
            Some(Value::Boolean(value)) => u32::from(value),
            Some(Value::Number(number)) => number as u32,
            Some(Value::Text(text)) => {
                text.bytes().fold(0, |sum, byte| sum * 31 % 251 + u32::from(byte)) % 256
            }
        };
        let rule = self.rule.map_or(0, |rule| u32::from(rule) + 1) & 0xF;
        let until = u32::from(self.until.is_some());
        let variant = u32::from(self.variant.unwrap_or(255));
        value << 24
            | variant << 16
            | u32::from(self.reason) << 12
            | u32::from(self.error) << 8
            | rule << 1
            | until
    }
}
