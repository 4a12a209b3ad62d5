/** Networks of a box's own that lead somewhere: a plain start has none. */
export { allowedHost, publishedPort } from './options/network.ts'
export { boxNetwork } from './planner/network.ts'
