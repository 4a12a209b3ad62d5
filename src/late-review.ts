/** Boxes whose changes are reviewed. Only a start with `--changes review` and the verbs about reviews need them. */
export { ownBinds, reviewed } from './planner/reviewed.ts'
export { pruneReviews, sizeOf } from './review/prune.ts'
export { applyChanges, discardReview, listChanges } from './review/review.ts'
export { reviewsDirectory } from './review/places.ts'
export { findReview, storedReviews } from './review/record.ts'
export { startReview } from './review/start.ts'
export { reviewedPlan } from './verbs/reviewed-plan.ts'
