//! Contexts of ten attributes.

use serde_json::{Value, json};

use super::model::{
    CITIES, COUNTRIES, DOMAINS, LANGUAGES, PLANS, PLATFORMS, Random, city, country, domain,
    language, user,
};

/// Contexts have every twentieth user.
pub(crate) const STRIDE: usize = 20;

/// Ten attributes each.
pub(crate) fn contexts(count: usize) -> Vec<Value> {
    let mut random = Random(2);
    (0..count)
        .map(|number| {
            let version = [1 + random.below(5), random.below(20), random.below(30)];
            json!({
                "targetingKey": user(number * STRIDE),
                "country": country(random.below(COUNTRIES)),
                "language": language(random.below(LANGUAGES)),
                "city": city(random.below(CITIES)),
                "plan": PLANS[random.below(PLANS.len())],
                "platform": PLATFORMS[random.below(PLATFORMS.len())],
                "appVersion": format!("{}.{}.{}", version[0], version[1], version[2]),
                "email": format!("person{number}{}", domain(random.below(DOMAINS))),
                "age": 18 + random.below(60),
                "sessions": random.below(1000),
            })
        })
        .collect()
}
