"""Photos on many processes and machines, by dask.distributed.

`run` hands chunks of photos out and survives the deaths of workers and schedulers; `worker` denoises them, wherever
it is; `order` is what they tell each other. dask is imported inside functions: it is an extra.
"""
