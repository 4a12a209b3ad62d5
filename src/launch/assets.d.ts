/** A file that the compiled program carries: its path there. */
declare module '*/nsbox-sidecar' {
  const path: string
  export default path
}
