//! The shop's own server side: it knows its API key and its buyers, and nothing of ours. A real shop writes these
//! few lines in its own language.

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::products::Product;
use super::words::Words;

/// What the shop got when it made its key.
#[derive(Clone)]
pub(super) struct ShopKey {
    /// The `kid` of tokens.
    pub(super) id: &'static str,
    /// The `iss` of tokens.
    pub(super) shop: &'static str,
    /// The HMAC secret.
    pub(super) secret: String,
}

impl std::fmt::Debug for ShopKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShopKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Signs who the buyer is and what the call is about. The token is good for five minutes and one visit.
pub(super) fn mint(
    key: &ShopKey,
    product: &Product,
    words: &Words,
    origin: &str,
    now: Timestamp,
) -> Result<String, jsonwebtoken::errors::Error> {
    crate::auth::install_jwt_crypto();
    let claims = json!({
        "iss": key.shop,
        "aud": "vitrine",
        "iat": now.as_second(),
        "exp": now.as_second() + 300,
        "jti": uuid::Uuid::now_v7(),
        "context": context(product, words, origin),
    });
    let header = Header { kid: Some(key.id.to_owned()), ..Header::new(Algorithm::HS256) };
    jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(key.secret.as_bytes()))
}

/// What the shop knows about the buyer who is logged in, and about the page. The buyer's own words stand in the
/// summary as the shop's chat bot would have taken them down.
fn context(product: &Product, words: &Words, origin: &str) -> Value {
    let text = words.of(product);
    json!({
        "subject": format!("demo-buyer-{}", words.language),
        "name": words.buyer,
        "language": words.tag,
        "country": words.country,
        "product": {
            "sku": product.sku,
            "name": text.name,
            "url": format!("{origin}/demo/p/{}?lang={}", product.sku, words.language),
            "image_url": format!("{origin}/demo/pictures/{}.svg", product.sku),
            "price": product.price,
        },
        "order": {
            "number": product.order,
            "status": words.delivered,
            "placed": product.placed,
            "total": product.price,
            "items": [format!("1 × {}", text.name)],
        },
        "summary": text.trouble,
    })
}
