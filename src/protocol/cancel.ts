// The name of the cancelling notification, apart from its schema: the page needs the name and must not carry zod, whose
// probe for `eval` its content policy reports as a violation.
export const CANCEL_METHOD = "$/cancel";
