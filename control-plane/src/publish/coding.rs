//! Content codings (RFC 9110 section 8.4): which one a request takes, and making it.

use std::io::{self, Write};

use flate2::write::GzEncoder;

/// How the bytes of an answer are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    Identity,
    Gzip,
    Zstd,
    Brotli,
}

/// Of 11: as small as 9 makes it, to a few percent, in a fraction of its time; a change must be on its way within milliseconds.
const BROTLI_QUALITY: i32 = 5;
/// Base-2 logarithm of the window, the largest that every receiver has: 4 MiB.
const BROTLI_WINDOW: i32 = 22;
const GZIP_LEVEL: u32 = 6;
const ZSTD_LEVEL: i32 = 9;
/// Elements of one Accept-Encoding that are looked at.
const MAX_ELEMENTS: usize = 16;

impl Coding {
    /// The smallest first, for bodies of snapshots.
    const PREFERRED: [Self; 3] = [Self::Brotli, Self::Zstd, Self::Gzip];

    /// As Content-Encoding names it; the identity has none.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
            Self::Brotli => Some("br"),
        }
    }

    /// The best coding that an Accept-Encoding takes. The identity goes with every request, also where one forbids it: a receiver of
    /// signed bytes is served rather than refused.
    pub fn accepted(accept_encoding: &str) -> Self {
        let mut star = None;
        let mut named = [None; Self::PREFERRED.len()];
        for element in accept_encoding.split(',').take(MAX_ELEMENTS) {
            let (name, parameters) = element.split_once(';').unwrap_or((element, ""));
            let taken = !refuses(parameters);
            let name = name.trim();
            if name == "*" {
                star = Some(taken);
            }
            for (place, coding) in named.iter_mut().zip(Self::PREFERRED) {
                if coding.name().is_some_and(|known| known.eq_ignore_ascii_case(name)) {
                    *place = Some(taken);
                }
            }
        }
        let taken = Self::PREFERRED.into_iter().zip(named);
        let mut taken = taken.filter(|(_, named)| named.or(star).unwrap_or(false));
        taken.next().map_or(Self::Identity, |(coding, _)| coding)
    }

    /// The coded bytes.
    ///
    /// # Errors
    /// What the encoder says; writing to memory, none has a reason to.
    pub fn encode(self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Identity => Ok(bytes.to_vec()),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::new(GZIP_LEVEL));
                encoder.write_all(bytes)?;
                encoder.finish()
            }
            Self::Zstd => zstd::bulk::compress(bytes, ZSTD_LEVEL),
            Self::Brotli => {
                let mut coded = Vec::new();
                let parameters = brotli::enc::BrotliEncoderParams {
                    quality: BROTLI_QUALITY,
                    lgwin: BROTLI_WINDOW,
                    size_hint: bytes.len(),
                    ..Default::default()
                };
                brotli::BrotliCompress(&mut &*bytes, &mut coded, &parameters)?;
                Ok(coded)
            }
        }
    }
}

/// Whether the parameters give the weight zero, which refuses.
fn refuses(parameters: &str) -> bool {
    parameters.split(';').any(|parameter| {
        parameter.split_once('=').is_some_and(|(name, weight)| {
            name.trim().eq_ignore_ascii_case("q")
                && weight.trim().parse::<f32>().is_ok_and(|weight| weight <= 0.0)
        })
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn the_smallest_that_is_taken() {
        for (header, coding) in [
            ("", Coding::Identity),
            ("identity", Coding::Identity),
            ("gzip", Coding::Gzip),
            ("gzip, deflate", Coding::Gzip),
            ("gzip, deflate, br, zstd", Coding::Brotli),
            ("GZIP;q=0.5, Zstd;q=0.1", Coding::Zstd),
            ("br;q=0, gzip", Coding::Gzip),
            ("br; Q=0.000 ,gzip;q=0", Coding::Identity),
            ("*", Coding::Brotli),
            ("*;q=0", Coding::Identity),
            ("br;q=0, *", Coding::Zstd),
            ("gzip, *;q=0", Coding::Gzip),
            (",;,=;q=x", Coding::Identity),
            ("br;q=nonsense", Coding::Brotli),
        ] {
            assert_eq!(Coding::accepted(header), coding, "{header:?}");
        }
    }

    #[test]
    fn each_is_read_back() {
        let bytes: Vec<u8> = (0u32..5_000).flat_map(|number| (number / 7).to_le_bytes()).collect();
        for coding in Coding::PREFERRED {
            let coded = coding.encode(&bytes).unwrap();
            assert!(coded.len() < bytes.len() / 2, "{coding:?}: {}", coded.len());
            let mut back = Vec::new();
            match coding {
                Coding::Identity => unreachable!("it is not among the preferred"),
                Coding::Gzip => {
                    flate2::read::GzDecoder::new(&*coded).read_to_end(&mut back).unwrap();
                }
                Coding::Zstd => back = zstd::bulk::decompress(&coded, bytes.len()).unwrap(),
                Coding::Brotli => {
                    brotli::BrotliDecompress(&mut &*coded, &mut back).unwrap();
                }
            }
            assert_eq!(back, bytes, "{coding:?}");
        }
    }
}
