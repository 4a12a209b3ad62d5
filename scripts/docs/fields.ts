/** What the search index has of a section: the same for the one who writes it and the one who reads it. */
export const FIELDS = { fields: ['title', 'text', 'page'], storeFields: ['title', 'page', 'path'] }
