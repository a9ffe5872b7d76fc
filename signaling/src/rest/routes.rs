//! The routes of the API, noted while the router is built of them: a test goes over every one of them and asks who may.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, on};

use crate::app::AppState;

/// A router and what was put into it.
#[derive(Default)]
pub(crate) struct Routes {
    router: Router<AppState>,
    noted: Vec<(Method, &'static str)>,
}

impl Routes {
    /// Adds a route for GET.
    pub(super) fn get<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.add(Method::GET, MethodFilter::GET, path, handler)
    }

    /// Adds a route for POST.
    pub(super) fn post<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.add(Method::POST, MethodFilter::POST, path, handler)
    }

    /// Adds a route for PUT.
    pub(super) fn put<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.add(Method::PUT, MethodFilter::PUT, path, handler)
    }

    /// Adds a route for DELETE.
    pub(super) fn delete<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.add(Method::DELETE, MethodFilter::DELETE, path, handler)
    }

    fn add<H, T>(mut self, method: Method, filter: MethodFilter, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.noted.push((method, path));
        // Another method at the same address is added to it.
        self.router = self.router.route(path, on(filter, handler));
        self
    }

    /// Adds all of others.
    pub(super) fn merge(mut self, others: Self) -> Self {
        self.noted.extend(others.noted);
        self.router = self.router.merge(others.router);
        self
    }

    /// Puts something around the router, such as a layer. It adds no routes.
    pub(super) fn around(mut self, put: impl FnOnce(Router<AppState>) -> Router<AppState>) -> Self {
        self.router = put(self.router);
        self
    }

    /// The router.
    pub(crate) fn router(self) -> Router<AppState> {
        self.router
    }

    /// Method and address of each.
    pub(crate) fn noted(self) -> Vec<(Method, &'static str)> {
        self.noted
    }
}
