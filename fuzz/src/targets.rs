//! The targets, by the layers of the product: bytes, evaluation, what people write, what callers send.

mod bytes;
mod evaluation;
mod requests;
mod writing;

use super::Target;

pub const TARGETS: &[Target] = &[
    Target {
        name: "head",
        about: "a signed head, offered to a receiver",
        longest: 4_096,
        budget: (65_536, 16),
        run: bytes::head,
    },
    Target {
        name: "keyset",
        about: "a keyset, offered to a receiver that has one and to one that has none",
        longest: 8_192,
        budget: (65_536, 16),
        run: bytes::keyset,
    },
    Target {
        name: "body",
        about: "a body: opened, every flag of it evaluated",
        longest: 32_768,
        budget: (6 << 20, 8),
        run: evaluation::body,
    },
    Target {
        name: "chunks",
        about: "chunks under a sound index: every flag evaluated and explained",
        longest: 32_768,
        budget: (6 << 20, 8),
        run: evaluation::chunks,
    },
    Target {
        name: "context",
        about: "an encoded context, with which the sample is evaluated",
        longest: 16_384,
        budget: (6 << 20, 8),
        run: evaluation::context,
    },
    Target {
        name: "delta",
        about: "a delta, applied to the sample's body",
        longest: 16_384,
        budget: (12 << 20, 8),
        run: bytes::delta,
    },
    Target {
        name: "config",
        about: "a configuration in JSON: checked, compiled for every kind, evaluated",
        longest: 16_384,
        budget: (64 << 20, 512),
        run: writing::config,
    },
    Target {
        name: "import",
        about: "what another product exports: imported, compiled",
        longest: 16_384,
        budget: (64 << 20, 1_024),
        run: writing::import,
    },
    Target {
        name: "ofrep",
        about: "the body of a request of OpenFeature's Remote Evaluation",
        longest: 16_384,
        budget: (4 << 20, 256),
        run: requests::ofrep,
    },
    Target {
        name: "push",
        about: "the body of a push, connection strings, SDK keys",
        longest: 8_192,
        budget: (65_536, 32),
        run: requests::push,
    },
];
