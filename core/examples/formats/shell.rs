//! The exports of a minimal WebAssembly module: open a body, take a context, evaluate a flag.

/// Exports what a host calls, for one format. Bytes come in through one buffer: `input(length)`, fill it, call.
macro_rules! module {
    ($format:ty) => {
        use std::cell::RefCell;

        use crate::format::Format;

        type Body = <$format as Format>::Body;
        type Context = <$format as Format>::Context;

        thread_local! {
            static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
            static BODY: RefCell<Option<Body>> = const { RefCell::new(None) };
            static CONTEXT: RefCell<Option<Context>> = const { RefCell::new(None) };
        }

        #[unsafe(no_mangle)]
        pub extern "C" fn input(length: usize) -> *mut u8 {
            INPUT.with_borrow_mut(|input| {
                input.clear();
                input.resize(length, 0);
                input.as_mut_ptr()
            })
        }

        #[unsafe(no_mangle)]
        pub extern "C" fn open_body() -> bool {
            let body = <$format>::open(INPUT.take());
            let opened = body.is_some();
            BODY.set(body);
            opened
        }

        #[unsafe(no_mangle)]
        pub extern "C" fn read_context() -> bool {
            let context = INPUT.with_borrow(|input| <$format>::context(input));
            let read = context.is_some();
            CONTEXT.set(context);
            read
        }

        /// The key is the input.
        #[unsafe(no_mangle)]
        pub extern "C" fn evaluate_flag(now: f64) -> u32 {
            INPUT.with_borrow(|key| {
                BODY.with_borrow(|body| {
                    CONTEXT.with_borrow(|context| {
                        let (Some(body), Some(context)) = (body, context) else {
                            return u32::MAX;
                        };
                        let Ok(key) = std::str::from_utf8(key) else {
                            return u32::MAX;
                        };
                        <$format>::evaluate(body, key, context, now as i64).packed()
                    })
                })
            })
        }
    };
}
