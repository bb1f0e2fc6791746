-- Claims due records: moves them in the index of due times, where listings pass over them until the
-- claim ends. The record keeps its own due time, and its next write sets the index again.
--
-- ARGV  1 the prefix of all names; 2 the time now; 3 the time at which the claims end
--       4... for each record the bucket and the id
--
-- There are no KEYS: a node of a cluster claims in all its buckets in one call.
--
-- Returns for each record 1 if it is claimed, 0 if it is not due, and -1 if it is not at this node.

-- Calls a command; returns nil if the name is not at this node.
local function try(...)
    local reply = redis.pcall(...)
    if type(reply) ~= 'table' or not reply.err then
        return reply
    elseif string.find(reply.err, 'non local key', 1, true) then
        return nil
    end
    -- It fails again, now with the error that Redis makes of it.
    return redis.call(...)
end

local now = tonumber(ARGV[2])

local function claim(base, id)
    local score = try('ZSCORE', base .. 'due', id)
    if score and tonumber(score) < now then
        local exists = try('EXISTS', base .. id)
        if exists == 1 then
            redis.call('ZADD', base .. 'due', ARGV[3], id)
        end
        return exists or -1
    end
    return score == nil and -1 or 0
end

local claimed = {}
for record = 4, #ARGV, 2 do
    claimed[#claimed + 1] = claim(ARGV[1] .. '{' .. ARGV[record] .. '}:', ARGV[record + 1])
end
return claimed
