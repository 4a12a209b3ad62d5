/** Types of the plan, inferred from the contract table. */
import type { OBJECTS, VARIANTS } from './schema.ts'

type Objects = typeof OBJECTS
type Variants = typeof VARIANTS

type Value<F> = F extends { type: 'bool' }
  ? boolean
  : F extends { type: 'int' }
    ? number
    : F extends { type: 'string' | 'mode' | 'base64' }
      ? string
      : F extends { type: 'enum'; values: infer V extends readonly string[] }
        ? V[number]
        : F extends { type: 'flags'; values: infer V extends readonly string[] }
          ? V[number][]
          : F extends { type: 'strings' }
            ? string[]
            : F extends { type: 'ids' }
              ? number[]
              : F extends { type: 'object'; of: infer N extends keyof Objects }
                ? FromTable<Objects[N]>
                : F extends { type: 'objects'; of: infer N extends keyof Objects }
                  ? FromTable<Objects[N]>[]
                  : F extends { type: 'variant'; of: infer N extends keyof Variants }
                    ? FromVariants<Variants[N]>
                    : F extends { type: 'variants'; of: infer N extends keyof Variants }
                      ? FromVariants<Variants[N]>[]
                      : never

type Required_<T> = { [K in keyof T as T[K] extends { required: true } ? K : never]: Value<T[K]> }
type Optional_<T> = { [K in keyof T as T[K] extends { required: true } ? never : K]?: Value<T[K]> }
type FromTable<T> = Required_<T> & Optional_<T>
type FromVariants<V> = { [K in keyof V]: { type: K } & FromTable<V[K]> }[keyof V]

export type Plan = FromTable<Objects['plan']>
/** A plan that makes a box and doesn't enter one. */
export type BoxPlan = Plan & { root: Root }
export type Mount = FromVariants<Variants['mount']>
export type Root = FromVariants<Variants['root']>
export type FileSystem = FromTable<Objects['filesystem']>
export type Entry = FromTable<Objects['enter']>
export type Helper = FromTable<Objects['helper']>
export type Cgroup = FromTable<Objects['cgroup']>
export type Process = Plan['process']
export type Environment = NonNullable<Process['env']>
export type IdMap = NonNullable<Plan['idmap']>
export type IdRange = FromTable<Objects['idrange']>
export type Capability = NonNullable<Process['capabilities']>[number]
export type Namespace = Plan['namespaces'][number]
export type MountOption = NonNullable<Root['options']>[number]
export type Limit = FromTable<Objects['limit']>
export type Scope = NonNullable<Process['landlock']>[number]
export type Supervision = NonNullable<Plan['supervision']>
