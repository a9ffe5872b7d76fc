//! Checks what a shop signed about a buyer: present, short enough, of the expected form.

use protocol::call::{BuyerContext, Order, Product};
use protocol::problem::Problem;

use crate::problem::CONTEXT_INVALID;

/// Lines of an order that are taken.
const ITEMS_MAX: usize = 50;

/// What is wrong with a context, if anything: the field is a path such as `context.product.sku`.
pub(super) fn check(context: &BuyerContext) -> Result<(), Problem> {
    required("context.subject", &context.subject, 128)?;
    optional("context.name", context.name.as_deref(), 100)?;
    if !is_language(&context.language) {
        return Err(CONTEXT_INVALID.at("context.language", "must be a BCP 47 tag such as de-AT"));
    }
    if let Some(country) = &context.country
        && !(country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase()))
    {
        return Err(CONTEXT_INVALID.at("context.country", "must be two capital letters (ISO 3166-1 alpha-2)"));
    }
    // Whether there is such a queue is not a matter of form.
    optional("context.queue", context.queue.as_deref(), 64)?;
    if let Some(product) = &context.product {
        check_product(product)?;
    }
    if let Some(order) = &context.order {
        check_order(order)?;
    }
    if let Some(summary) = &context.summary {
        let length = summary.chars().count();
        if length > 2_000 {
            return Err(too_long("context.summary", length, 2_000));
        }
    }
    Ok(())
}

fn check_product(product: &Product) -> Result<(), Problem> {
    required("context.product.sku", &product.sku, 64)?;
    required("context.product.name", &product.name, 200)?;
    optional("context.product.price", product.price.as_deref(), 64)?;
    address("context.product.url", product.url.as_deref())?;
    address("context.product.image_url", product.image_url.as_deref())
}

fn check_order(order: &Order) -> Result<(), Problem> {
    required("context.order.number", &order.number, 64)?;
    required("context.order.status", &order.status, 64)?;
    optional("context.order.placed", order.placed.as_deref(), 64)?;
    optional("context.order.total", order.total.as_deref(), 64)?;
    if order.items.len() > ITEMS_MAX {
        let detail = format!("has {} lines, at most {ITEMS_MAX} are taken", order.items.len());
        return Err(CONTEXT_INVALID.at("context.order.items", detail));
    }
    order
        .items
        .iter()
        .enumerate()
        .try_for_each(|(index, item)| required(&format!("context.order.items[{index}]"), item, 200))
}

fn required(field: &str, text: &str, most: usize) -> Result<(), Problem> {
    if text.trim().is_empty() {
        return Err(CONTEXT_INVALID.at(field, "must not be empty"));
    }
    optional(field, Some(text), most)
}

fn optional(field: &str, text: Option<&str>, most: usize) -> Result<(), Problem> {
    let Some(text) = text else { return Ok(()) };
    let length = text.chars().count();
    if length > most {
        return Err(too_long(field, length, most));
    }
    if text.chars().any(char::is_control) {
        return Err(CONTEXT_INVALID.at(field, "must be one line without control characters"));
    }
    Ok(())
}

/// Only web addresses: consoles make links of them, and `javascript:` is an address too.
fn address(field: &str, url: Option<&str>) -> Result<(), Problem> {
    optional(field, url, 2_048)?;
    match url {
        Some(url) if !url.starts_with("https://") && !url.starts_with("http://") => {
            Err(CONTEXT_INVALID.at(field, "must begin with https:// or http://"))
        }
        _ => Ok(()),
    }
}

fn too_long(field: &str, length: usize, most: usize) -> Problem {
    CONTEXT_INVALID.at(field, format!("has {length} characters, at most {most} are taken"))
}

/// Whether a text looks like a BCP 47 tag: 2–35 letters, digits and hyphens, beginning with 2–8 letters. That is
/// enough to choose words by and to hand on; unknown languages are not an error.
pub(crate) fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let primary = parts.next().unwrap_or_default();
    tag.len() <= 35
        && (2..=8).contains(&primary.len())
        && primary.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> BuyerContext {
        BuyerContext {
            subject: "buyer-7".into(),
            name: Some("Jana".into()),
            language: "de-AT".into(),
            country: Some("AT".into()),
            product: Some(Product { sku: "L-1".into(), name: "Lamp".into(), ..Product::default() }),
            order: Some(Order { number: "1".into(), status: "delivered".into(), ..Order::default() }),
            summary: Some("flickers\nsince Monday".into()),
            queue: Some("support".into()),
        }
    }

    #[test]
    fn a_whole_context_passes() {
        assert_eq!(check(&good()), Ok(()));
    }

    #[test]
    fn every_bad_field_is_named() {
        type Spoil = fn(&mut BuyerContext);
        let cases: [(&str, Spoil); 10] = [
            ("context.subject", |c| c.subject = " ".into()),
            ("context.name", |c| c.name = Some("x".repeat(101))),
            ("context.language", |c| c.language = "German!".into()),
            ("context.queue", |c| c.queue = Some("q".repeat(65))),
            ("context.country", |c| c.country = Some("at".into())),
            ("context.product.sku", |c| c.product.as_mut().unwrap().sku = "x".repeat(65)),
            ("context.product.url", |c| c.product.as_mut().unwrap().url = Some("javascript:alert(1)".into())),
            ("context.order.items", |c| c.order.as_mut().unwrap().items = vec!["a lamp".into(); 51]),
            ("context.order.items[1]", |c| {
                c.order.as_mut().unwrap().items = vec!["a lamp".into(), "a\u{7}bell".into()];
            }),
            ("context.summary", |c| c.summary = Some("ü".repeat(2_001))),
        ];
        for (field, spoil) in cases {
            let mut context = good();
            spoil(&mut context);
            let problem = check(&context).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some(field), "{problem:?}");
        }
    }

    #[test]
    fn language_tags_are_told_from_other_texts() {
        for good in ["de", "de-AT", "zh-Hant-TW", "ar", "sr-Latn"] {
            assert!(is_language(good), "{good}");
        }
        for bad in ["", "d", "de_AT", "de-", "<b>", "de-AT-averyveryverylongsubtag", "123"] {
            assert!(!is_language(bad), "{bad}");
        }
    }
}
