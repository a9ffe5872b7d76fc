//! What an erasure takes out of the rows about a call, and out of what staff keep for themselves. `docs/erasure.md` says
//! for every table what goes, what stays and why; a story holds it against the tables there are.

use protocol::call::{BuyerContext, Product};
use protocol::ids::CallId;
use protocol::rest::RecordedSide;
use protocol::review::Answers;
use sea_orm::sea_query::{Expr, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter, TransactionTrait};
use uuid::Uuid;

use super::entities::{
    buyer_session, call, call_subject, chat_line, dispute, export, hold, rating, receipt, recording, review,
    review_revision, sample, saved_filter, ticket, timeline_comment,
};
use super::{ErasureToDo, Result, Store, StoreError, convert, pseudonym};
use crate::auth::mask::{HIDDEN, Known};
use crate::search::Search;

/// What stands where the buyer's id was.
const ERASED: &str = "erased";
/// What stands in a search where it quoted the buyer. It finds nothing, as the words it stands for find nothing any more.
const NOT_FOUND: &str = "[erased]";

impl Store {
    /// Takes what is known of the buyer, and what people wrote in free text, out of a call and everything about it: once,
    /// and whole or not at all. What the call was about (product, language, country, outcome) and what it came to (stars,
    /// answers, scores) stays.
    pub async fn scrub_call(&self, id: CallId, by: &ErasureToDo) -> Result<()> {
        let transaction = self.db.begin().await?;
        // First, for it takes the write lock.
        call_subject::Entity::update_many()
            .col_expr(call_subject::Column::Subject, Expr::value(by.reason()))
            .filter(call_subject::Column::Call.eq(id.0))
            .exec(&transaction)
            .await?;
        let row = call::Entity::find_by_id(id.0)
            .one(&transaction)
            .await?
            .ok_or_else(|| StoreError::Missing { what: "call", id: id.to_string() })?;
        let context: BuyerContext = convert::from_json("calls.context", &row.context)?;
        let known = Known::of(&context);
        let context = convert::json("calls.context", &without_buyer(context))?;
        call::Entity::update_many()
            .col_expr(call::Column::Context, Expr::value(context.clone()))
            .filter(call::Column::Id.eq(id.0))
            .exec(&transaction)
            .await?;
        buyer_session::Entity::update_many()
            .col_expr(buyer_session::Column::Context, Expr::value(context))
            .filter(buyer_session::Column::Id.eq(row.session))
            .exec(&transaction)
            .await?;
        ticket::Entity::update_many()
            .col_expr(ticket::Column::Notes, Expr::value(""))
            .col_expr(ticket::Column::NotesSearch, Expr::value(""))
            .col_expr(ticket::Column::NotesMasked, Expr::value(""))
            .filter(ticket::Column::Call.eq(id.0))
            .exec(&transaction)
            .await?;
        receipt::Entity::update_many()
            .col_expr(receipt::Column::Subject, Expr::value(pseudonym(&by.buyer)))
            .filter(receipt::Column::Call.eq(id.0))
            .filter(receipt::Column::Side.eq(convert::name(&RecordedSide::Buyer)))
            .exec(&transaction)
            .await?;
        rating::Entity::update_many()
            .col_expr(rating::Column::Comment, Expr::value(""))
            .filter(rating::Column::Call.eq(id.0))
            .exec(&transaction)
            .await?;
        chat_line::Entity::delete_many().filter(chat_line::Column::Call.eq(id.0)).exec(&transaction).await?;
        scrub_recordings(&transaction, id, &known).await?;
        scrub_reviews(&transaction, id).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Takes what quotes the buyer out of the names and searches that staff have saved, and out of the reasons of holds
    /// that were lifted; forgets visits that led to no call. It comes before the calls, which tell what is looked for.
    pub async fn scrub_saved(&self, by: &ErasureToDo, ids: &[String]) -> Result<()> {
        let shop = &by.buyer.shop;
        let known = self.known_of_buyer(shop, ids).await?;
        let telling = self.telling(shop, ids).await?;
        let quotes = |name: &str, query: &str| -> Option<(String, String)> {
            let (new_name, new_query) =
                (without_quotes(name, &telling, &known), search(query, &telling, &known));
            (new_name != name || new_query != query).then_some((new_name, new_query))
        };
        for row in saved_filter::Entity::find().all(&self.db).await? {
            let Some((name, query)) = quotes(&row.name, &row.query) else { continue };
            saved_filter::Entity::update_many()
                .col_expr(saved_filter::Column::Name, Expr::value(name))
                .col_expr(saved_filter::Column::Query, Expr::value(query))
                .filter(saved_filter::Column::Id.eq(row.id))
                .exec(&self.db)
                .await?;
        }
        for row in sample::Entity::find().all(&self.db).await? {
            let Some((name, query)) = quotes(&row.name, &row.query) else { continue };
            sample::Entity::update_many()
                .col_expr(sample::Column::Name, Expr::value(name))
                .col_expr(sample::Column::Query, Expr::value(query))
                .filter(sample::Column::Id.eq(row.id))
                .exec(&self.db)
                .await?;
        }
        let lifted = hold::Entity::find()
            .filter(hold::Column::Shop.eq(shop))
            .filter(hold::Column::Subject.is_in(ids))
            .filter(hold::Column::LiftedAt.is_not_null());
        for row in lifted.all(&self.db).await? {
            hold::Entity::update_many()
                .col_expr(hold::Column::Why, Expr::value(known.hide_known(&row.why)))
                .filter(hold::Column::Id.eq(row.id))
                .exec(&self.db)
                .await?;
        }
        self.forget_visits(shop, ids).await
    }

    /// What says by itself that a saved name or search is about this buyer: ids, numbers of orders, and the name, but for
    /// a first name alone and for words that products are called by.
    async fn telling(&self, shop: &str, ids: &[String]) -> Result<Known> {
        let mut telling = Known::default();
        ids.iter().for_each(|id| telling.add(id));
        for context in self.contexts_of(shop, ids).await? {
            let words: Vec<&str> = context.name.iter().flat_map(|name| name.split_whitespace()).collect();
            for word in words.iter().skip(usize::from(words.len() > 1)) {
                let product = call::Entity::find()
                    .filter(call::Column::Search.like(convert::contains(&word.to_lowercase())))
                    .one(&self.db)
                    .await?;
                if product.is_none() {
                    telling.add(word);
                }
            }
            if let Some(order) = &context.order {
                telling.add(&order.number);
            }
        }
        Ok(telling)
    }

    /// Deletes visits of a buyer that led to no call. Those that did are scrubbed with it.
    async fn forget_visits(&self, shop: &str, ids: &[String]) -> Result<()> {
        let called = Query::select().column(call::Column::Session).from(call::Entity).to_owned();
        for id in ids {
            let said = format!("\"subject\":{}", convert::json("buyer_sessions.context", id)?);
            buyer_session::Entity::delete_many()
                .filter(buyer_session::Column::Shop.eq(shop))
                .filter(buyer_session::Column::Context.like(convert::contains(&said)))
                .filter(buyer_session::Column::Id.not_in_subquery(called.clone()))
                .exec(&self.db)
                .await?;
        }
        Ok(())
    }

    /// Whether the buyer of a call was erased.
    pub async fn is_erased(&self, call: CallId) -> Result<bool> {
        Ok(self
            .subject_of(call)
            .await?
            .is_some_and(|whose| whose.subject.starts_with(super::erasures::ERASURE)))
    }
}

/// What people wrote about the recordings of a call, and took out of the server.
async fn scrub_recordings(transaction: &DatabaseTransaction, call: CallId, known: &Known) -> Result<()> {
    let theirs = || -> SelectStatement {
        Query::select()
            .column(recording::Column::Id)
            .from(recording::Entity)
            .and_where(recording::Column::Call.eq(call.0))
            .to_owned()
    };
    timeline_comment::Entity::delete_many()
        .filter(timeline_comment::Column::Recording.in_subquery(theirs()))
        .exec(transaction)
        .await?;
    export::Entity::delete_many()
        .filter(export::Column::Recording.in_subquery(theirs()))
        .exec(transaction)
        .await?;
    // Only those that were lifted are left: a hold that lasts has kept the call.
    for row in
        hold::Entity::find().filter(hold::Column::Recording.in_subquery(theirs())).all(transaction).await?
    {
        hold::Entity::update_many()
            .col_expr(hold::Column::Why, Expr::value(known.hide_known(&row.why)))
            .filter(hold::Column::Id.eq(row.id))
            .exec(transaction)
            .await?;
    }
    Ok(())
}

/// Reviews keep their answers and scores, and lose every word about the call.
async fn scrub_reviews(transaction: &DatabaseTransaction, call: CallId) -> Result<()> {
    let rows = review::Entity::find().filter(review::Column::Call.eq(call.0)).all(transaction).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    for row in rows {
        let Some(draft) = row.draft else { continue };
        review::Entity::update_many()
            .col_expr(review::Column::Draft, Expr::value(Some(wordless("reviews.draft", &draft)?)))
            .filter(review::Column::Id.eq(row.id))
            .exec(transaction)
            .await?;
    }
    let revisions = review_revision::Entity::find()
        .filter(review_revision::Column::Review.is_in(ids.iter().copied()))
        .all(transaction)
        .await?;
    for row in revisions {
        let answers = wordless("review_revisions.answers", &row.answers)?;
        review_revision::Entity::update_many()
            .col_expr(review_revision::Column::Answers, Expr::value(answers))
            .col_expr(review_revision::Column::Reason, Expr::value(""))
            .filter(
                Condition::all()
                    .add(review_revision::Column::Review.eq(row.review))
                    .add(review_revision::Column::Number.eq(row.number)),
            )
            .exec(transaction)
            .await?;
    }
    dispute::Entity::update_many()
        .col_expr(dispute::Column::Reason, Expr::value(""))
        .col_expr(dispute::Column::Answer, Expr::value(""))
        .filter(dispute::Column::Review.is_in(ids))
        .exec(transaction)
        .await?;
    Ok(())
}

/// Answers without comments.
fn wordless(what: &'static str, stored: &str) -> Result<String> {
    let mut answers: Answers = convert::from_json(what, stored)?;
    answers.comment.clear();
    answers.answers.iter_mut().for_each(|answered| answered.comment.clear());
    convert::json(what, &answers)
}

/// Addresses of products go, too: they can say by which mail or basket somebody came.
fn without_buyer(context: BuyerContext) -> BuyerContext {
    let product = context.product.map(|product| Product { url: None, image_url: None, ..product });
    BuyerContext { subject: ERASED.to_owned(), name: None, order: None, summary: None, product, ..context }
}

/// A text that staff saved: if it tells of the buyer, without them.
fn without_quotes(text: &str, telling: &Known, known: &Known) -> String {
    if telling.is_in(text) { known.hide_known(text) } else { text.to_owned() }
}

/// The same for a search.
fn search(query: &str, telling: &Known, known: &Known) -> String {
    // One that cannot be read is used by nobody; it is left as it is unless it tells.
    let Ok(mut search) = Search::parse(query) else { return without_quotes(query, telling, known) };
    let unfound = |text: &str| without_quotes(text, telling, known).replace(HIDDEN, NOT_FOUND);
    let words = search.filter.words.join(" ");
    if telling.is_in(&words) {
        search.filter.words = unfound(&words).split_whitespace().map(str::to_owned).collect();
    }
    if let Some(product) = &mut search.filter.product {
        *product = unfound(product);
    }
    if search.filter.words.is_empty() && search.filter.product.is_none() {
        return query.to_owned();
    }
    search.to_query()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_lose_the_buyer_and_keep_the_rest() {
        let (mut telling, mut known) = (Known::default(), Known::default());
        telling.add("novak");
        ["jana", "novak"].iter().for_each(|word| known.add(word));
        let cases = [
            ("q=jana+novak+lamp&sort=longest", "q=%5Berased%5D+%5Berased%5D+lamp&sort=longest"),
            ("q=jana+lamp", "q=jana+lamp"),
            ("flag=complaint", "flag=complaint"),
            ("product=novak", "product=%5Berased%5D"),
        ];
        for (query, left) in cases {
            assert_eq!(search(query, &telling, &known), left);
        }
        assert_eq!(without_quotes("Calls of Jana Novak", &telling, &known), "Calls of *** ***");
        assert_eq!(without_quotes("Jana’s week", &telling, &known), "Jana’s week");
    }
}
